"""What all HTTP requests and responses share, independent of the resource."""
