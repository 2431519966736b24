"""What will be liquidated on a given path of the price, and how right such forecasts were."""
