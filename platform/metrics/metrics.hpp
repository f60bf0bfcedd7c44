// Prometheus metrics of this process. Names: everfold_<what>_<unit>[_total], in seconds and bytes.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace everfold::metrics {

using Labels = std::map<std::string, std::string>;

// Thread-safe, and cheap enough for every request; look one up once and keep the reference, which holds for ever.
class Counter {
 public:
  virtual ~Counter() = default;
  virtual void increment(double by = 1) = 0;  // ≥ 0
  virtual double value() const = 0;
};

class Gauge {
 public:
  virtual ~Gauge() = default;
  virtual void set(double value) = 0;
  virtual void add(double difference) = 0;
  virtual double value() const = 0;
};

class Histogram {
 public:
  virtual ~Histogram() = default;
  virtual void observe(double value) = 0;
};

// The same name and labels give the same metric. A name keeps its kind and its help; another kind ends the program.
Counter& counter(const std::string& name, const std::string& help, const Labels& labels = {});
Gauge& gauge(const std::string& name, const std::string& help, const Labels& labels = {});
// `bounds`: the buckets' upper bounds, ascending; the same for all labels of a name.
Histogram& histogram(const std::string& name, const std::string& help, const std::vector<double>& bounds,
                     const Labels& labels = {});
// 50 µs to 10 s.
const std::vector<double>& latency_bounds_s();

// Called by render() first: for those who count on their own and publish when asked. Null: nobody any more.
void before_render(std::function<void()> publish);

// All metrics in Prometheus' text format.
std::string render();

}  // namespace everfold::metrics
