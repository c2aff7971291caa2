"""Events written with the business transaction, their relay, and the audit journal."""
