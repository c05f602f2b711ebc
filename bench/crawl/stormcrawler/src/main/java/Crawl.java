import com.digitalpebble.stormcrawler.Constants;
import com.digitalpebble.stormcrawler.Metadata;
import com.digitalpebble.stormcrawler.bolt.FeedParserBolt;
import com.digitalpebble.stormcrawler.bolt.FetcherBolt;
import com.digitalpebble.stormcrawler.bolt.JSoupParserBolt;
import com.digitalpebble.stormcrawler.bolt.URLPartitionerBolt;
import com.digitalpebble.stormcrawler.indexing.StdOutIndexer;
import com.digitalpebble.stormcrawler.persistence.MemoryStatusUpdater;
import com.digitalpebble.stormcrawler.spout.MemorySpout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Date;
import java.util.Map;
import org.apache.storm.Config;
import org.apache.storm.LocalCluster;
import org.apache.storm.topology.TopologyBuilder;
import org.apache.storm.tuple.Fields;
import org.apache.storm.utils.Utils;

/**
 * The topology of StormCrawler's archetype, with feeds and in one process: Crawl FEEDS THREADS, where FEEDS is a file
 * of an address a line. Says "started", then prints each page that it fetched, parsed and would index, and goes on until
 * it is killed.
 */
public final class Crawl {
    public static void main(String[] args) throws Exception {
        Config config = new Config();
        Map<?, ?> defaults = (Map<?, ?>) Utils.findAndReadConfigFile("crawler-default.yaml", true).get("config");
        defaults.forEach((key, value) -> config.put((String) key, value));
        config.putAll(Map.of(
                "fetcher.threads.number", Integer.parseInt(args[1]),
                "fetcher.server.delay", 0.0,
                "http.agent.name", "bench",
                "http.protocol.implementation", "com.digitalpebble.stormcrawler.protocol.okhttp.HttpProtocol",
                "feed.sniffContent", true,
                // Pages lead to 180 others each; only what the feeds list is wanted.
                "parser.emitOutlinks", false,
                "indexer.url.fieldname", "url",
                "indexer.text.fieldname", "content",
                "topology.max.spout.pending", 250));
        config.setMessageTimeoutSecs(300);

        TopologyBuilder topology = new TopologyBuilder();
        topology.setSpout("spout", new MemorySpout());
        topology.setBolt("partitioner", new URLPartitionerBolt()).shuffleGrouping("spout");
        topology.setBolt("fetch", new FetcherBolt()).fieldsGrouping("partitioner", new Fields("key"));
        topology.setBolt("feed", new FeedParserBolt()).localOrShuffleGrouping("fetch");
        topology.setBolt("parse", new JSoupParserBolt()).localOrShuffleGrouping("feed");
        topology.setBolt("index", new StdOutIndexer()).localOrShuffleGrouping("parse");
        String status = Constants.StatusStreamName;
        topology.setBolt("status", new MemoryStatusUpdater())
                .localOrShuffleGrouping("fetch", status)
                .localOrShuffleGrouping("feed", status)
                .localOrShuffleGrouping("parse", status)
                .localOrShuffleGrouping("index", status);

        LocalCluster cluster = new LocalCluster();
        cluster.submitTopology("crawl", config, topology.createTopology());
        // Executors start one after the other; what starts before the crawl is not timed.
        Thread.sleep(10_000);
        System.out.println("started");
        Date now = new Date();
        Files.readAllLines(Path.of(args[0])).forEach(feed -> MemorySpout.add(feed, new Metadata(), now));
        Thread.currentThread().join();
    }
}
