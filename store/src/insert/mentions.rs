//! Which entities the inserted documents name, and the entities themselves.

use std::collections::BTreeMap;

use serde_json::Value;
use sqlx::PgConnection;
use tocsin_contract::{Enriched, Entity};

use crate::StoreError;
use crate::batch::Row;

/// An entity in its document.
type Pair<'a> = (&'a Enriched, &'a Entity);

pub(crate) async fn mentions(connection: &mut PgConnection, rows: &[Row<'_>]) -> Result<(), StoreError> {
    let pairs: Vec<Pair<'_>> = rows
        .iter()
        .flat_map(|row| row.enriched.entities.iter().map(|entity| (row.enriched, entity)))
        .collect();
    if pairs.is_empty() {
        return Ok(());
    }
    entities(connection, &pairs).await?;
    sqlx::query(
        "INSERT INTO store.mention (doc_id, first_seen_at, event_time, entity_id, symbol, name, kind, role,
            relevance, label, sentiment, p_neg, p_neu, p_pos, confidence, abstain, first_mention, n_mentions)
         SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[], $4::text[], $5::text[],
            $6::text[], $7::text[], $8::text[], $9::smallint[], $10::text[], $11::real[], $12::real[],
            $13::real[], $14::real[], $15::real[], $16::boolean[], $17::bigint[], $18::int[])",
    )
    .bind(column(&pairs, |(e, _)| e.document.id.to_string()))
    .bind(column(&pairs, |(e, _)| e.document.first_seen_at))
    .bind(column(&pairs, |(e, _)| e.document.event_time()))
    .bind(column(&pairs, |(_, m)| m.id.as_str()))
    .bind(column(&pairs, |(_, m)| m.symbol.as_str()))
    .bind(column(&pairs, |(_, m)| m.name.as_str()))
    .bind(column(&pairs, |(_, m)| m.kind.as_str()))
    .bind(column(&pairs, |(_, m)| m.role.as_str()))
    .bind(column(&pairs, |(_, m)| i16::from(m.relevance)))
    .bind(column(&pairs, |(_, m)| m.sentiment.label.as_str()))
    .bind(column(&pairs, |(_, m)| m.sentiment.score))
    .bind(column(&pairs, |(_, m)| m.sentiment.negative))
    .bind(column(&pairs, |(_, m)| m.sentiment.neutral))
    .bind(column(&pairs, |(_, m)| m.sentiment.positive))
    .bind(column(&pairs, |(_, m)| m.sentiment.confidence))
    .bind(column(&pairs, |(_, m)| m.sentiment.abstain))
    .bind(column(&pairs, |(_, m)| m.mentions.first().map(|first| i64::from(first.start))))
    .bind(column(&pairs, |(_, m)| i32::try_from(m.mentions.len()).unwrap_or(i32::MAX)))
    .execute(connection)
    .await
    .map_err(StoreError::database("insert mentions"))?;
    Ok(())
}

/// Entities not known yet, in order of id.
async fn entities(connection: &mut PgConnection, pairs: &[Pair<'_>]) -> Result<(), StoreError> {
    let named: BTreeMap<&str, &Entity> = pairs.iter().rev().map(|(_, m)| (m.id.as_str(), *m)).collect();
    let each = |value: fn(&Entity) -> &str| named.values().map(|m| value(m)).collect::<Vec<&str>>();
    let symbols: Vec<Value> = named.values().map(|m| Value::from(m.symbols.clone())).collect();
    sqlx::query(
        "INSERT INTO store.entity (entity_id, symbol, symbols, name, kind)
         SELECT u.id, u.symbol, ARRAY(SELECT jsonb_array_elements_text(u.symbols)), u.name, u.kind
         FROM unnest($1::text[], $2::text[], $3::jsonb[], $4::text[], $5::text[])
            AS u(id, symbol, symbols, name, kind)
         ON CONFLICT (entity_id) DO NOTHING",
    )
    .bind(each(|m| &m.id))
    .bind(each(|m| &m.symbol))
    .bind(symbols)
    .bind(each(|m| &m.name))
    .bind(each(|m| m.kind.as_str()))
    .execute(connection)
    .await
    .map_err(StoreError::database("insert entities"))?;
    Ok(())
}

fn column<'a, T>(pairs: &[Pair<'a>], value: impl Fn(Pair<'a>) -> T) -> Vec<T> {
    pairs.iter().map(|pair| value(*pair)).collect()
}
