"""What a venue that is only read needs to be spoken: its contracts, requests and topics; no accounts, no orders."""
