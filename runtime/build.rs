//! Rebuilds the embedded migrations when one is added or edited.

fn main() {
    println!("cargo:rerun-if-changed=../migrations");
}
