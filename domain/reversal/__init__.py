"""The reversal of an entry 红字冲销. The entry stays; its money moves back and its state changes are undone."""
