//! What a database on a real disk goes through: restarts, cut logs, killed nodes, wrong owners.
