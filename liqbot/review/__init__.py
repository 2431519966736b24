"""What people look at; reads, never writes."""
