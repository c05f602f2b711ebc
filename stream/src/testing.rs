//! Test support: a real Kafka broker. Under construction.
