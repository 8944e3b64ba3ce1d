//! Where effects land, and function tools: pure behaviour and ledger.
