//! Tells cargo what the SQL macros read behind its back.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
    println!("cargo::rerun-if-changed=.sqlx");
    println!("cargo::rerun-if-changed=sqlx.toml");
    println!("cargo::rerun-if-env-changed=HOLDFAST_SQLX_DATABASE_URL");
}
