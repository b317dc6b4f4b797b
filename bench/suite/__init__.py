"""What the benchmark suites share: workers, the cluster's own counters, statistics, reports and pictures."""
