//! Runs a throwaway PostgreSQL server for a whole run of tests: prints `MANO_TEST_PG_URL=…` and stays until its standard
//! input ends or it is killed; then the server and its files are gone.
//!
//! ```sh
//! coproc PG { cargo run -q -p db --features testing --example test-postgres; }
//! read -r line <&"${PG[0]}" && export "$line"
//! cargo nextest run
//! ```

use std::io::{Read, Write};

#[tokio::main]
async fn main() -> Result<(), String> {
    let url = db::testing::postgres_server().await?;
    println!("MANO_TEST_PG_URL={url}");
    std::io::stdout().flush().map_err(|e| format!("standard output: {e}"))?;
    let mut rest = Vec::new();
    // Whatever ends the input ends the server.
    let _ = std::io::stdin().lock().read_to_end(&mut rest);
    Ok(())
}
