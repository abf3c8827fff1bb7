//! Small histories with names.
