//! Linking by table.
