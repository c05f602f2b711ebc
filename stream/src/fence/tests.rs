//! The fence in a real Postgres.

use std::io;

use super::*;
use sqlx::PgPool;
use tocsin_runtime::database::testing::database;

fn at(partition: u32) -> TopicPartition {
    TopicPartition { topic: "documents.enriched".to_owned(), partition }
}

fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH
}

struct Sink {
    pool: PgPool,
    fence: Fence,
}

impl Sink {
    async fn new() -> Self {
        Self { pool: database().await.pool, fence: Fence::new("store", "sink") }
    }

    async fn claim(&self, partition: u32) -> Claim {
        let mut connection = self.pool.acquire().await.unwrap();
        self.fence.claim(&mut connection, &at(partition), now()).await.unwrap()
    }

    /// One transaction, committed when it moved.
    async fn advance(&self, steps: &[Step]) -> Result<Advance, FenceError> {
        let mut transaction = self.pool.begin().await.unwrap();
        let advance = self.fence.advance(&mut transaction, steps, now()).await?;
        if advance == Advance::Moved {
            transaction.commit().await.unwrap();
        }
        Ok(advance)
    }
}

#[tokio::test]
async fn a_new_owner_reads_on_where_the_last_one_committed_and_the_last_one_writes_nothing_more() {
    let sink = Sink::new().await;
    let first = sink.claim(0).await;
    assert_eq!(first, Claim { epoch: 1, next_offset: 0 });
    assert_eq!(sink.advance(&[first.step(&at(0), 7)]).await.unwrap(), Advance::Moved);
    assert_eq!(sink.claim(0).await, Claim { epoch: 2, next_offset: 7 });
    let zombie = Claim { next_offset: 7, ..first };
    let error = sink.advance(&[zombie.step(&at(0), 9)]).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the right to write documents.enriched/0 was lost: this instance holds epoch 1 from offset 7, \
         the database says epoch 2 at offset 7"
    );
}

#[tokio::test]
async fn a_commit_whose_answer_was_lost_is_known_again() {
    let sink = Sink::new().await;
    let steps = [sink.claim(0).await.step(&at(0), 3), sink.claim(1).await.step(&at(1), 5)];
    assert_eq!(sink.advance(&steps).await.unwrap(), Advance::Moved);
    assert_eq!(sink.advance(&steps).await.unwrap(), Advance::DoneBefore);
    let mixed = [steps[0].clone(), sink.claim(2).await.step(&at(2), 4)];
    assert!(matches!(sink.advance(&mixed).await, Err(FenceError::Lost { .. })), "half of it was not there");
    assert_eq!(sink.claim(2).await.next_offset, 0, "and nothing of it was written");
}

#[tokio::test]
async fn one_lost_partition_holds_back_the_whole_transaction() {
    let sink = Sink::new().await;
    let steps = [sink.claim(0).await.step(&at(0), 3), sink.claim(1).await.step(&at(1), 5)];
    sink.claim(1).await;
    assert!(matches!(sink.advance(&steps).await, Err(FenceError::Lost { epoch: 1, .. })));
    assert_eq!(sink.claim(0).await.next_offset, 0);
}

#[test]
fn a_step_never_leads_back() {
    let claim = Claim { epoch: 1, next_offset: 9 };
    let mut claims = Claims::from([(at(0), claim)]);
    claim.step(&at(0), 4).done(&mut claims);
    assert_eq!(claims[&at(0)], claim);
    claim.step(&at(0), 12).done(&mut claims);
    assert_eq!(claims[&at(0)].next_offset, 12);
}

#[test]
fn what_may_pass_is_tried_again_what_is_wrong_with_the_record_parked_and_the_rest_halts() {
    for code in ["40001", "40P01", "55P03", "25006", "08006", "53100", "57P01", "57014"] {
        assert_eq!(sqlstate_verdict(code), Verdict::Retry, "{code}");
    }
    for code in ["22008", "22021", "23514", "54000"] {
        assert_eq!(sqlstate_verdict(code), Verdict::Park, "{code}");
    }
    for code in ["42P01", "42501", "28P01", "3F000", "XX001", ""] {
        assert_eq!(sqlstate_verdict(code), Verdict::Halt, "{code}");
    }
    assert_eq!(database_verdict(&sqlx::Error::PoolTimedOut), Verdict::Retry);
    assert_eq!(database_verdict(&sqlx::Error::Io(io::Error::other("away"))), Verdict::Retry);
    assert_eq!(database_verdict(&sqlx::Error::RowNotFound), Verdict::Halt);
}
