"""The reversal of an entry 红字冲销: what may be undone, and how. The entry stays; what it did is moved back."""
