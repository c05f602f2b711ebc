//! Entity linking: which known companies, banks, indices and authorities a text
//! names, where, and how much it is about each. Owns the dictionary and its
//! matching; sentiment towards an entity comes from the model.

pub mod build;
mod codes;
mod company;
mod context;
mod dictionary;
mod entity;
pub(crate) mod fold;
mod forms;
mod hit;
mod index;
mod json_lines;
mod link;
mod numbers;
mod patterns;
mod proof;
mod role;
pub mod score;
mod settle;
mod table;
mod traditional;
mod words;

#[cfg(test)]
mod tests;

pub use dictionary::{Dictionary, Known};
pub use entity::Entity;
pub use link::{Linked, Linker};
