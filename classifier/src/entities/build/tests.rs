//! The table that comes out of lists.

use super::*;

fn options(lists: &Path) -> BuildOptions {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/entities");
    BuildOptions {
        lists: lists.to_owned(),
        known: ["companies.toml", "institutions.toml"].map(|file| config.join(file)).into(),
        words: config.join("build/words.txt"),
        names: config.join("build/names.txt"),
        header: "lists".to_owned(),
    }
}

#[test]
fn a_tab_within_a_name_stops_no_build() {
    let lists = tempfile::tempdir().unwrap();
    let list = [
        "ticker,exchange,name_en",
        "SSEA,NASDAQ,Starry Sea Acquisition Corp\tOrdinary Shares",
        "ACME,NYSE,Acme Steel Inc.",
    ];
    std::fs::write(lists.path().join("us_listings.csv"), list.join("\n")).unwrap();
    let built = run(&options(lists.path())).unwrap();
    assert_eq!((built.listings, built.entities), (2, 2));
    let line = "fund:nasdaq_ssea\tNASDAQ:SSEA\tStarry Sea Acquisition\t";
    assert!(built.table.lines().any(|found| found.starts_with(line)), "{}", built.table);
    assert_eq!(table::parse(&built.table).unwrap().len(), 2);
}

#[test]
fn the_lists_of_the_fixtures_are_read_to_their_end() {
    let lists = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/fixtures/tickers");
    if !lists.is_dir() {
        eprintln!("skipped: no lists at {}", lists.display());
        return;
    }
    let built = run(&options(&lists)).unwrap();
    assert!(built.listings > 13_000, "{} listings", built.listings);
    assert_eq!(table::parse(&built.table).unwrap().len(), built.entities);
}

#[test]
fn units_of_partnerships_and_deposited_shares_are_listings_and_other_paper_is_not() {
    let lists = tempfile::tempdir().unwrap();
    let list = [
        "ticker,exchange,name_en",
        "ET,NYSE,Energy Transfer LP Common Units",
        "ITUB,NYSE,Itau Unibanco Banco Holding SA American Depositary Shares (Each repstg 500 Preferred shares)",
        "BDCIU,NASDAQ,BTC Development Corp. Unit",
        "DUKB,NYSE,Duke Energy Corporation Preferred Stock",
        "IQMXW,NASDAQ,IQM Oyj Warrants to purchase American Depositary Shares",
    ];
    std::fs::write(lists.path().join("us_listings.csv"), list.join("\n")).unwrap();
    let built = run(&options(lists.path())).unwrap();
    assert_eq!(built.listings, 2, "{}", built.table);
    for line in ["nyse_et\tNYSE:ET\tEnergy Transfer\t", "nyse_itub\tNYSE:ITUB\tItau Unibanco Banco Holding\t"]
    {
        assert!(built.table.lines().any(|found| found.starts_with(line)), "{}", built.table);
    }
}
