//! What the stories share: a lab of the four services, in one process or as processes that can be killed.
