#include "platform/metrics/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <memory>
#include <mutex>
#include <utility>

namespace everfold::metrics {
namespace {

class PrometheusCounter final : public Counter {
 public:
  explicit PrometheusCounter(prometheus::Counter& counter) : counter_(counter) {}
  void increment(double by) override { counter_.Increment(by); }
  double value() const override { return counter_.Value(); }

 private:
  prometheus::Counter& counter_;
};

class PrometheusGauge final : public Gauge {
 public:
  explicit PrometheusGauge(prometheus::Gauge& gauge) : gauge_(gauge) {}
  void set(double value) override { gauge_.Set(value); }
  void add(double difference) override { gauge_.Increment(difference); }
  double value() const override { return gauge_.Value(); }

 private:
  prometheus::Gauge& gauge_;
};

class PrometheusHistogram final : public Histogram {
 public:
  explicit PrometheusHistogram(prometheus::Histogram& histogram) : histogram_(histogram) {}
  void observe(double value) override { histogram_.Observe(value); }

 private:
  prometheus::Histogram& histogram_;
};

// The metrics of one kind, each made once.
template <class Metric>
using Made = std::map<std::pair<std::string, Labels>, std::unique_ptr<Metric>>;

template <class Metric, class Make>
Metric& find_or_make(Made<Metric>& made, const std::string& name, const Labels& labels, const Make& make) {
  auto& metric = made[{name, labels}];
  if (!metric) metric = make();
  return *metric;
}

struct Metrics {
  // The registry gives the same family for the same name and help, and throws when a name changes its kind.
  prometheus::Registry registry{prometheus::Registry::InsertBehavior::Merge};
  std::mutex mutex;
  Made<Counter> counters;
  Made<Gauge> gauges;
  Made<Histogram> histograms;
};

// Never destroyed: threads may count until the process ends.
Metrics& metrics() {
  static auto* const instance = new Metrics();
  return *instance;
}

struct Publisher {
  std::mutex mutex;
  std::function<void()> publish;
};
Publisher& publisher() {
  static Publisher publisher;
  return publisher;
}

}  // namespace

Counter& counter(const std::string& name, const std::string& help, const Labels& labels) {
  const std::lock_guard lock(metrics().mutex);
  return find_or_make(metrics().counters, name, labels, [&] {
    auto& family = prometheus::BuildCounter().Name(name).Help(help).Register(metrics().registry);
    return std::make_unique<PrometheusCounter>(family.Add(labels));
  });
}

Gauge& gauge(const std::string& name, const std::string& help, const Labels& labels) {
  const std::lock_guard lock(metrics().mutex);
  return find_or_make(metrics().gauges, name, labels, [&] {
    auto& family = prometheus::BuildGauge().Name(name).Help(help).Register(metrics().registry);
    return std::make_unique<PrometheusGauge>(family.Add(labels));
  });
}

Histogram& histogram(const std::string& name, const std::string& help, const std::vector<double>& bounds,
                     const Labels& labels) {
  const std::lock_guard lock(metrics().mutex);
  return find_or_make(metrics().histograms, name, labels, [&] {
    auto& family = prometheus::BuildHistogram().Name(name).Help(help).Register(metrics().registry);
    return std::make_unique<PrometheusHistogram>(family.Add(labels, bounds));
  });
}

const std::vector<double>& latency_bounds_s() {
  static const std::vector<double> bounds{0.000'05, 0.000'1, 0.000'25, 0.000'5, 0.001, 0.002'5, 0.005, 0.01, 0.025,
                                          0.05,     0.1,     0.25,     0.5,     1,     2.5,     5,     10};
  return bounds;
}

void before_render(std::function<void()> publish) {
  const std::lock_guard lock(publisher().mutex);
  publisher().publish = std::move(publish);
}

std::string render() {
  {
    const std::lock_guard lock(publisher().mutex);
    if (publisher().publish) publisher().publish();
  }
  return prometheus::TextSerializer().Serialize(metrics().registry.Collect());
}

}  // namespace everfold::metrics
