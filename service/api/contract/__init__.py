"""The published contract: the OpenAPI document, the event types with examples, and the problem types with remedies."""
