//! What both buses promise, tested against both: a real Apache Kafka and a real
//! Postgres. The suite knows only the public interface.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

mod embedded;
mod fixture;
mod kafka;
mod suite;

/// Runs each behaviour of the suite on each bus.
macro_rules! on_both_buses {
    ($($group:ident::$name:ident),* $(,)?) => {
        mod on_embedded {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                crate::suite::$group::$name(crate::fixture::Fixture::embedded().await).await;
            })*
        }
        mod on_kafka {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                crate::suite::$group::$name(crate::fixture::Fixture::kafka().await).await;
            })*
        }
    };
}

on_both_buses! {
    order::records_of_a_key_come_in_the_order_sent,
    order::offsets_of_many_writers_have_no_gap,
    order::a_record_comes_back_as_it_was_sent,
    order::prefixes_keep_installations_apart,
    delivery::unfinished_records_are_delivered_again_after_a_crash,
    delivery::offsets_never_move_past_unfinished_work,
    delivery::a_seek_decides_what_comes_next,
    delivery::lag_counts_what_is_not_committed,
    delivery::a_topic_that_is_missing_is_named,
    parking::a_poison_record_is_parked_and_the_rest_flows,
    parking::the_largest_record_can_be_sent_and_parked,
    pressure::unfinished_bytes_are_bounded,
    pressure::closing_under_load_does_not_hang,
    pressure::a_consumer_that_is_not_polled_leaves_and_says_so,
    rebalance::nothing_is_lost_while_consumers_come_and_go,
}
