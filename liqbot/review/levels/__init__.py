"""What price does at the map's clusters, against equally distant thin levels of the same map and moment."""
