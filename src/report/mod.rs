//! Results to bytes: terminal, JUnit, CSV, JSON; opens no file.
