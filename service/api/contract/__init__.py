"""The published contract: the OpenAPI document, the event types with examples, and every problem's page."""
