//! A host's agent that keeps what it is told in memory, over real HTTP.
