"""What every request and every answer has in common, whatever the resource."""
