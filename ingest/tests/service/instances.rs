//! Several instances on one database share the sources out; and the register that they
//! read.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::{Reply, Site, World, feed_of, process, rss, wait_until};
use chrono::{DateTime, Utc};
use tocsin_ingest::{IngestConfig, Register, SourceConfig};

/// One feed each second of each site, asked under `name`.
fn config(name: &str, sites: &[Site]) -> String {
    let allow: Vec<String> = sites.iter().map(|site| site.at.to_string()).collect();
    let mut text = format!(
        "instance = \"{name}\"\nuser_agent = \"{name}/1\"\nlease = \"6s\"\nmin_delay = \"0s\"\nallow = {allow:?}\n"
    );
    for (n, site) in sites.iter().enumerate() {
        text += &format!(
            "[[sources]]\nid = \"s{n}\"\nurl = \"{}\"\nevery = \"1s\"\nfetch_pages = false\n",
            site.url("/feed")
        );
    }
    text
}

/// Who asked for the feed of a site, in order.
fn askers(site: &Site) -> Vec<String> {
    site.asked("/feed").iter().map(|headers| headers["user-agent"].to_str().unwrap().to_owned()).collect()
}

fn last_askers(sites: &[Site]) -> BTreeSet<String> {
    sites.iter().filter_map(|site| askers(site).pop()).collect()
}

/// How often the asker of a site changed.
fn changes(site: &Site) -> usize {
    askers(site).windows(2).filter(|pair| pair[0] != pair[1]).count()
}

async fn sites(count: usize) -> Vec<Site> {
    let mut sites = Vec::new();
    for _ in 0..count {
        let site = Site::start().await;
        site.set("/feed", rss(&[("Bank falls", "/a", "By a third.")]));
        sites.push(site);
    }
    sites
}

#[tokio::test]
async fn sources_are_shared_out_and_those_of_a_killed_instance_taken_over() {
    let (sites, world) = (sites(6).await, World::new().await);
    let mut one = process(&world, &config("one", &sites));
    wait_until("one instance polls everything", async || sites.iter().all(|site| !askers(site).is_empty()))
        .await;
    let mut two = process(&world, &config("two", &sites));
    let shared = BTreeSet::from(["one/1".to_owned(), "two/1".to_owned()]);
    wait_until("both poll", async || last_askers(&sites) == shared).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    let most = sites.iter().map(changes).max().unwrap();
    assert!(most <= 1, "a source went from one to the other {most} times: two polled it");

    one.kill().unwrap();
    one.wait().unwrap();
    let before: Vec<usize> = sites.iter().map(|site| askers(site).len()).collect();
    let killed = Instant::now();
    wait_until("the other polls everything", async || {
        sites.iter().zip(&before).all(|(site, before)| {
            askers(site).len() > *before && askers(site).last().is_some_and(|asker| asker == "two/1")
        })
    })
    .await;
    assert!(killed.elapsed() < Duration::from_secs(60), "within a minute: {:?}", killed.elapsed());
    two.kill().unwrap();
    two.wait().unwrap();
}

fn signal(name: &str, process: u32) {
    assert!(Command::new("kill").args([name, &process.to_string()]).status().unwrap().success());
}

#[tokio::test]
async fn an_instance_that_was_asleep_asks_for_nothing_that_another_holds() {
    let (sites, world) = (sites(2).await, World::new().await);
    let mut sleeper = process(&world, &config("sleeper", &sites));
    wait_until("it polls", async || sites.iter().all(|site| !askers(site).is_empty())).await;
    signal("-STOP", sleeper.id());
    let mut other = process(&world, &config("other", &sites));
    wait_until("the other polls everything", async || {
        last_askers(&sites) == BTreeSet::from(["other/1".to_owned()])
    })
    .await;
    signal("-CONT", sleeper.id());
    tokio::time::sleep(Duration::from_secs(6)).await;
    for site in &sites {
        assert!(changes(site) <= 2, "{:?}", askers(site));
    }
    for process in [&mut sleeper, &mut other] {
        process.kill().unwrap();
        process.wait().unwrap();
    }
}

async fn standing(world: &World, id: &str) -> (String, String, String) {
    sqlx::query_as("SELECT state, robots, refusal FROM report.sources WHERE source_id = $1")
        .bind(id)
        .fetch_optional(&world.database.pool)
        .await
        .unwrap()
        .unwrap_or_default()
}

fn told(state: &str, robots: &str, refusal: &str) -> (String, String, String) {
    (state.to_owned(), robots.to_owned(), refusal.to_owned())
}

#[tokio::test]
async fn the_register_says_why_a_source_is_not_polled() {
    let (site, world) = (Site::start().await, World::new().await);
    site.set("/robots.txt", Reply::ok("text/plain", "User-agent: *\nDisallow: /closed\n"));
    site.set("/feed", rss(&[("Bank falls", "/a", "By a third.")]));
    let mut config = feed_of(&site);
    config.lease = Duration::from_secs(3);
    for (id, path, more) in [
        ("closed", "/closed", ""),
        ("missing", "/missing", ""),
        ("forbidden", "/forbidden", "terms = 'forbidden'"),
    ] {
        let text = format!("id = '{id}'\nurl = '{}'\nevery = '1m'\n{more}", site.url(path));
        config.sources.push(toml::from_str(&text).unwrap());
    }
    let running = world.start(&config).await;
    wait_until("robots.txt is heard", async || {
        standing(&world, "closed").await == told("active", "disallowed", "robots.txt disallows it")
    })
    .await;
    assert_eq!(standing(&world, "forbidden").await, told("refused", "unknown", "its terms forbid it"));
    for id in ["paper", "missing"] {
        wait_until("the others are polled", async || {
            standing(&world, id).await == told("active", "allowed", "")
        })
        .await;
    }
    running.stop().await;
    assert!(site.asked("/forbidden").is_empty() && site.asked("/closed").is_empty());

    config.sources.retain(|source| source.id != "closed");
    let running = world.start(&config).await;
    wait_until("what is no longer in the file is gone", async || {
        standing(&world, "closed").await.0 == "gone"
    })
    .await;
    running.stop().await;
}

/// Waits until whoever runs has read the register as it is now, and does as it says.
async fn register_is_read(world: &World) {
    let renewed = async || {
        let query = "SELECT max(until) FROM ingest.instance";
        sqlx::query_scalar::<_, DateTime<Utc>>(query).fetch_one(&world.database.pool).await.unwrap()
    };
    // This date is where a renewal begins: the second one tells that the first has ended.
    for _ in 0..2 {
        let before = renewed().await;
        wait_until("the leases are renewed", async || renewed().await > before).await;
    }
}

#[tokio::test]
async fn sources_that_are_added_and_disabled_take_effect_while_ingest_runs() {
    let (site, world) = (Site::start().await, World::new().await);
    site.set("/feed", rss(&[("Bank falls", "/a", "By a third.")]));
    site.set("/more", rss(&[("Bank rises", "/b", "By a tenth.")]));
    let mut config = feed_of(&site);
    (config.lease, config.sources[0].fetch_pages) = (Duration::from_secs(3), false);
    let running = world.start(&config).await;
    world.wait_for_documents(1).await;
    let register = Register::new(world.database.pool.clone());
    let mut more = SourceConfig::of_url("more", &site.url("/more"));
    (more.fetch_pages, more.every) = (false, Some(Duration::from_secs(60)));
    register.add(&[more], &config).await.unwrap();
    world.wait_for_documents(2).await;
    assert!(register.disable("more", "too loud").await.unwrap());
    assert!(!register.disable("unknown", "").await.unwrap());
    register_is_read(&world).await;
    let (asked, of_other) = (site.asked("/more").len(), site.asked("/feed").len());
    wait_until("the other goes on", async || {
        world.pass(61);
        site.asked("/feed").len() > of_other + 5
    })
    .await;
    assert_eq!(site.asked("/more").len(), asked);
    assert_eq!(standing(&world, "more").await, told("disabled", "allowed", "too loud"));
    running.stop().await;
    let listed = register.list().await.unwrap();
    assert_eq!(listed.iter().map(|entry| entry.source_id.as_str()).collect::<Vec<_>>(), ["more", "paper"]);
}

#[tokio::test]
async fn a_domain_of_which_nothing_is_polled_any_more_takes_the_place_of_no_other() {
    let (site, other, world) = (Site::start().await, Site::start().await, World::new().await);
    site.set("/feed", rss(&[("Bank falls", "/a", "By a third.")]));
    other.set("/feed", rss(&[("Bank rises", "/b", "By a tenth.")]));
    let mut config = feed_of(&site);
    config.allow.push(other.at.to_string());
    (config.lease, config.sources[0].fetch_pages) = (Duration::from_secs(3), false);
    let running = world.start(&config).await;
    world.wait_for_documents(1).await;
    let register = Register::new(world.database.pool.clone());
    assert!(register.disable("paper", "enough").await.unwrap());
    let more = SourceConfig { fetch_pages: false, ..SourceConfig::of_url("more", &other.url("/feed")) };
    register.add(&[more], &config).await.unwrap();
    world.wait_for_documents(2).await;
    running.stop().await;
}

#[tokio::test]
async fn leases_are_renewed_while_the_bus_takes_nothing() {
    let (site, world) = (Site::start().await, World::new().await);
    site.set("/feed", rss(&[("Bank falls", "/a", "By a third.")]));
    let mut config = feed_of(&site);
    (config.lease, config.sources[0].fetch_pages) = (Duration::from_secs(3), false);
    let running = world.start(&config).await;
    world.wait_for_documents(1).await;
    let pool = &world.database.pool;
    let mut lock = pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE stream.partition IN ACCESS EXCLUSIVE MODE").execute(&mut *lock).await.unwrap();
    // The clock is due, and waits for the bus for longer than the lease.
    world.pass(15);
    tokio::time::sleep(Duration::from_secs(5)).await;
    let held = "SELECT count(*) FROM ingest.lease WHERE until > now()";
    wait_until("the lease is held", async || {
        sqlx::query_scalar::<_, i64>(held).fetch_one(pool).await.unwrap() == 1
    })
    .await;
    lock.rollback().await.unwrap();
    running.stop().await;
}

#[tokio::test]
async fn more_items_than_are_forgotten_at_once_are_forgotten() {
    let (site, world) = (Site::start().await, World::new().await);
    let mut config = feed_of(&site);
    config.sources[0].retention = Some(Duration::from_secs(24 * 3600));
    let pool = &world.database.pool;
    let old = "INSERT INTO ingest.item (source_id, item_key, native_key, doc_id, entry_hash, fate, seen_at, settled_at)
               SELECT 'paper', k, k, k, 0, 'published', '2023-03-01', '2023-03-01'
               FROM generate_series(1, 2500) n, decode(md5(n::text), 'hex') k";
    sqlx::query(old).execute(pool).await.unwrap();
    let running = world.start(&config).await;
    wait_until("all are forgotten", async || {
        let left = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM ingest.item").fetch_one(pool);
        left.await.unwrap() == 0
    })
    .await;
    running.stop().await;
}

const NOWHERE: &str = "no instance that runs has its secret or files";

/// An instance whose file has one source of the site, with a secret; both have one name.
fn with_secret(site: &Site, name: &str) -> IngestConfig {
    let url = site.url(&format!("/{name}"));
    let source = format!(
        "id = '{name}'\nurl = '{url}'\nformat = 'mastodon'\nkind = 'social'\nevery = '1s'\n\
         json.authorization = 'Bearer {name}'"
    );
    site.set(&format!("/{name}"), Reply::ok("application/json", "[]"));
    let sources = vec![toml::from_str(&source).unwrap()];
    let (instance, lease) = (name.to_owned(), Duration::from_secs(6));
    IngestConfig { instance, lease, sources, ..feed_of(site) }
}

#[tokio::test]
async fn of_two_secrets_of_a_domain_with_two_instances_one_is_used_and_the_register_names_the_other() {
    let (site, world) = (Site::start().await, World::new().await);
    let one = world.start(&with_secret(&site, "one")).await;
    wait_until("the first is polled", async || !site.asked("/one").is_empty()).await;
    let two = world.start(&with_secret(&site, "two")).await;
    let refusal = async |id: &str| standing(&world, id).await.2;
    wait_until("the other is told of", async || {
        refusal("two").await == "its domain is polled by an instance without its secret or files"
    })
    .await;
    assert!(site.asked("/two").is_empty() && refusal("one").await.is_empty());
    one.stop().await;
    wait_until("the other is polled", async || {
        let told = refusal("two").await.is_empty() && refusal("one").await == NOWHERE;
        told && !site.asked("/two").is_empty()
    })
    .await;
    two.stop().await;
}

#[tokio::test]
async fn what_needs_no_secret_does_not_wait_for_an_instance_that_has_those_of_its_domain() {
    let (site, world) = (Site::start().await, World::new().await);
    site.set("/feed", rss(&[("Bank falls", "/a", "By a third.")]));
    let with_secret = with_secret(&site, "one");
    let mut without = feed_of(&site);
    (without.lease, without.sources[0].fetch_pages) = (Duration::from_secs(3), false);
    let gone = world.start(&with_secret).await;
    wait_until("it is polled", async || !site.asked("/one").is_empty()).await;
    gone.stop().await;

    let other = world.start(&without).await;
    world.wait_for_documents(1).await;
    wait_until("the register says so", async || standing(&world, "one").await.2 == NOWHERE).await;
    let (asked, back) = (site.asked("/one").len(), world.start(&with_secret).await);
    wait_until("it is polled again", async || {
        world.pass(2);
        site.asked("/one").len() > asked && standing(&world, "one").await.2.is_empty()
    })
    .await;
    let asked = site.asked("/feed").len();
    wait_until("the other source of the domain too", async || {
        world.pass(61);
        site.asked("/feed").len() > asked
    })
    .await;
    other.stop().await;
    back.stop().await;
}
