"""What people have recorded elsewhere, read as a tape: any number of files of known formats, merged in time."""
