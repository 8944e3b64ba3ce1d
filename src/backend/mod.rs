//! The backend core: the Responses service without any transport.
