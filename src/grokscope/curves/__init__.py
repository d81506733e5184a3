"""What a loss curve shows: phases and change points."""
