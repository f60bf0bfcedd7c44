#include "tools/load/report.hpp"

#include <array>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tools/load/sums.hpp"

namespace everfold::load {
namespace {

constexpr std::size_t most_listed = 50;

constexpr std::array<std::string_view, invoice_class_count> class_names{"orders",
                                                                        "stock adjustments",
                                                                        "whole cancellations",
                                                                        "partial cancellations",
                                                                        "unmatched cancellations",
                                                                        "not representable",
                                                                        "unreadable"};

std::string_view name_of(InvoiceClass kind) { return class_names[static_cast<std::size_t>(kind)]; }

std::array<std::size_t, invoice_class_count> count_classes(const Plan& plan) {
  std::array<std::size_t, invoice_class_count> counts{};
  for (const auto& invoice : plan.invoices) ++counts[static_cast<std::size_t>(invoice.kind)];
  return counts;
}

// What an invoice ended as, in one word.
std::string_view ending_of(const Invoice& invoice, const Entry& entry) {
  switch (entry.outcome) {
    case Outcome::refused:
      return "refused";
    case Outcome::failed:
      return "failed";
    case Outcome::not_sent:
      break;
    case Outcome::done:
      break;
  }
  const bool done = entry.outcome == Outcome::done;
  switch (invoice.kind) {
    case InvoiceClass::order:
      return done ? "confirmed" : "not sent";
    case InvoiceClass::adjustment:
      return done ? "adjusted" : "not sent";
    case InvoiceClass::whole_cancellation:
      return done ? "cancelled" : "not sent";
    case InvoiceClass::part_cancellation:
      return done ? "refunded in part" : "not sent";
    case InvoiceClass::unmatched_cancellation:
    case InvoiceClass::not_representable:
    case InvoiceClass::unreadable:
      return name_of(invoice.kind);
  }
  return "not sent";
}

// "512 = 424 confirmed + 9 refunded in part + …"
template <class Counts>
std::string equation(std::size_t total, const Counts& counts) {
  std::string text = std::to_string(total) + " =";
  const char* sign = " ";
  for (const auto& [name, count] : counts) {
    text += sign + std::to_string(count) + " " + std::string(name);
    sign = " + ";
  }
  return text;
}

std::map<std::string_view, std::size_t> count_endings(const Report& report) {
  std::map<std::string_view, std::size_t> counts;
  for (std::size_t at = 0; at < report.plan.invoices.size(); ++at) {
    ++counts[ending_of(report.plan.invoices[at], report.figures.ledger[at])];
  }
  return counts;
}

std::map<std::string, std::size_t> count_reasons(const RunFigures& figures) {
  std::map<std::string, std::size_t> counts;
  for (const auto& entry : figures.ledger) {
    if (!entry.reason.empty()) ++counts[entry.reason];
  }
  return counts;
}

void list(std::ostream& out, const std::string& title, const std::vector<std::string>& sentences) {
  if (sentences.empty()) return;
  out << title << "\n";
  for (std::size_t at = 0; at < std::min(sentences.size(), most_listed); ++at) out << "  " << sentences[at] << "\n";
  if (sentences.size() > most_listed) out << "  … and " << sentences.size() - most_listed << " more (--json has all)\n";
}

std::vector<std::string> unreadable_lines(const SalesFile& file) {
  std::vector<std::string> sentences;
  for (const auto& bad : file.bad) {
    sentences.push_back("line " + std::to_string(bad.line) + (bad.invoice.empty() ? "" : ", invoice " + bad.invoice) +
                        ": " + bad.reason);
  }
  return sentences;
}

std::string left_out_line(const LeftOut& left) {
  return "line " + std::to_string(left.line) + ", invoice " + left.invoice + ": " + left.what +
         (left.amount ? " = " + pounds(*left.amount) : "") + ": " + left.reason;
}

std::vector<std::string> left_out_lines(const Plan& plan) {
  std::vector<std::string> sentences;
  for (const auto& left : plan.left_out) sentences.push_back(left_out_line(left));
  return sentences;
}

// Lines of one invoice that are left out for one reason, in one sentence.
std::vector<std::string> left_out_summary(const Plan& plan) {
  struct Group {
    const LeftOut* first = nullptr;
    std::size_t lines = 0;
    std::int64_t pence = 0;
  };
  std::map<std::pair<std::string, std::string>, Group> groups;
  for (const auto& left : plan.left_out) {
    auto& group = groups[{left.invoice, left.reason}];
    if (group.first == nullptr) group.first = &left;
    ++group.lines;
    group.pence += left.amount.value_or(0);
  }
  std::vector<std::string> sentences;
  for (const auto& [key, group] : groups) {
    sentences.push_back(group.lines == 1 ? left_out_line(*group.first)
                                         : "invoice " + key.first + ": " + std::to_string(group.lines) +
                                               " lines = " + pounds(group.pence) + ": " + key.second);
  }
  return sentences;
}

std::string milliseconds(Histogram::Duration time) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%10.1f", static_cast<double>(time.count()) / 1000);
  return text.data();
}

void describe_latencies(std::ostream& out, const char* name, const Histogram& times) {
  if (times.count() == 0) return;
  std::array<char, 64> head{};
  std::snprintf(head.data(), head.size(), "  %-22s %9llu", name, static_cast<unsigned long long>(times.count()));
  out << head.data() << milliseconds(times.percentile(50)) << milliseconds(times.percentile(90))
      << milliseconds(times.percentile(99)) << milliseconds(times.max()) << "\n";
}

nlohmann::json latencies_as_json(const Histogram& times) {
  const auto ms = [](Histogram::Duration time) { return static_cast<double>(time.count()) / 1000; };
  return {{"count", times.count()},
          {"p50Ms", ms(times.percentile(50))},
          {"p90Ms", ms(times.percentile(90))},
          {"p99Ms", ms(times.percentile(99))},
          {"maxMs", ms(times.max())}};
}

nlohmann::json totals_as_json(const Totals& totals) {
  return {{"orders", totals.orders},
          {"units", totals.units},
          {"revenuePence", totals.revenue},
          {"refundedPence", totals.refunded}};
}

void describe_check(std::ostream& out, const CheckResult& check) {
  if (!check.made) {
    out << "\nCheck: not made, the load ended before.\n";
    return;
  }
  const auto row = [&](const char* name, const std::string& file, const std::string& system) {
    std::array<char, 128> text{};
    std::snprintf(text.data(), text.size(), "  %-16s %16s %16s%s\n", name, file.c_str(), system.c_str(),
                  file == system ? "" : "  DIFFERENT");
    out << text.data();
  };
  out << "\nCheck: what the file's lines add up to, and what the query API answers\n";
  out << "                               file           system\n";
  row("orders", std::to_string(check.file.orders), std::to_string(check.system.orders));
  row("units", std::to_string(check.file.units), std::to_string(check.system.units));
  row("revenue GBP", pounds(check.file.revenue), pounds(check.system.revenue));
  row("refunded GBP", pounds(check.file.refunded), pounds(check.system.refunded));
  out << "  net: " << pounds(check.file_net)
      << " in the file's lines = " << pounds(check.system.revenue - check.system.refunded) << " revenue less refunds + "
      << pounds(check.left_out_net) << " not sent" << (check.net_holds() ? "" : "  DIFFERENT") << "\n";
  out << "  stock of " << check.skus << " SKUs against received - sold + returned + adjusted\n";
  list(out, "Differences:", check.differences);
  out << (check.ok() ? "OK: the system says what the file says.\n" : "NOT OK: the system differs from the file.\n");
}

}  // namespace

std::string describe_plan(const SalesFile& file, const Plan& plan) {
  std::ostringstream out;
  const auto sums = sums_of(file.rows);
  const auto sold = sums.total_sold();
  const auto counts = count_classes(plan);
  std::vector<std::pair<std::string_view, std::size_t>> terms;
  for (std::size_t at = 0; at < counts.size(); ++at) terms.emplace_back(class_names[at], counts[at]);
  std::array<Sum, invoice_class_count> given_back{};
  for (const auto& invoice : plan.invoices) {
    const auto sum = sums.given_back.find(invoice.number);
    if (sum == sums.given_back.end()) continue;
    given_back[static_cast<std::size_t>(invoice.kind)].units += sum->second.units;
    given_back[static_cast<std::size_t>(invoice.kind)].pence += sum->second.pence;
  }
  out << file.rows.size() << " lines read, " << file.bad.size() << " can't be read\n";
  out << "products: " << plan.products.size() << " (an article at a price)\n";
  out << "invoices: " << equation(plan.invoices.size(), terms) << "\n";
  out << "orders: " << counts[0] << ", " << sold.units << " units, revenue GBP " << pounds(sold.pence) << "\n";
  for (const auto kind :
       {InvoiceClass::whole_cancellation, InvoiceClass::part_cancellation, InvoiceClass::unmatched_cancellation}) {
    const auto& sum = given_back[static_cast<std::size_t>(kind)];
    out << name_of(kind) << ": " << counts[static_cast<std::size_t>(kind)] << ", " << sum.units << " units, GBP "
        << pounds(sum.pence) << "\n";
  }
  list(out, "Lines that can't be read:", unreadable_lines(file));
  list(out, "Lines that are not sent:", left_out_summary(plan));
  return out.str();
}

nlohmann::json plan_as_json(const SalesFile& file, const Plan& plan) {
  const auto sold = sums_of(file.rows).total_sold();
  const auto counts = count_classes(plan);
  nlohmann::json classes;
  for (std::size_t at = 0; at < counts.size(); ++at) classes[std::string(class_names[at])] = counts[at];
  return {{"lines", file.rows.size()},
          {"products", plan.products.size()},
          {"invoices", plan.invoices.size()},
          {"classes", classes},
          {"units", sold.units},
          {"revenuePence", sold.pence},
          {"unreadable", unreadable_lines(file)},
          {"notSent", left_out_lines(plan)}};
}

std::string describe_run(const Report& report) {
  std::ostringstream out;
  const auto& figures = report.figures;
  out << "run " << report.options.run_id << "\n" << describe_plan(report.file, report.plan) << "\n";
  out << "products offered or found: " << figures.products << ", opening stock received: " << figures.receipts << "\n";
  out << "invoices: " << equation(report.plan.invoices.size(), count_endings(report)) << "\n";
  for (const auto& [reason, count] : count_reasons(figures)) out << "  " << count << " × " << reason << "\n";
  list(out, "What went wrong before any invoice:", figures.trouble);

  const auto rate =
      figures.invoice_seconds > 0 ? static_cast<double>(figures.invoice_commands) / figures.invoice_seconds : 0;
  std::array<char, 160> sent{};
  std::snprintf(sent.data(), sent.size(), "commands: %llu in all; invoices: %llu in %.1f s = %.0f commands/s\n",
                static_cast<unsigned long long>(report.metrics.commands()),
                static_cast<unsigned long long>(figures.invoice_commands), figures.invoice_seconds, rate);
  out << "\n" << sent.data();
  for (const auto& [cause, count] : report.metrics.retries())
    out << "  tried again after " << cause << ": " << count << "\n";
  out << "\n  ms                         count       p50       p90       p99       max\n";
  for (std::size_t kind = 0; kind < kind_count; ++kind) {
    describe_latencies(out, kind_names[kind].data(), report.metrics.latencies(static_cast<Kind>(kind)));
  }
  describe_latencies(out, "checkout to CONFIRMED", report.metrics.confirmations());
  describe_check(out, figures.check);
  return out.str();
}

nlohmann::json run_as_json(const Report& report) {
  const auto& figures = report.figures;
  nlohmann::json endings, latencies, retries(report.metrics.retries());
  for (const auto& [name, count] : count_endings(report)) endings[std::string(name)] = count;
  for (std::size_t kind = 0; kind < kind_count; ++kind) {
    latencies[std::string(kind_names[kind])] = latencies_as_json(report.metrics.latencies(static_cast<Kind>(kind)));
  }
  latencies["checkout to CONFIRMED"] = latencies_as_json(report.metrics.confirmations());
  const auto& check = figures.check;
  return {
      {"run", report.options.run_id},
      {"plan", plan_as_json(report.file, report.plan)},
      {"products", figures.products},
      {"receipts", figures.receipts},
      {"invoices", {{"total", report.plan.invoices.size()}, {"endings", endings}, {"reasons", count_reasons(figures)}}},
      {"trouble", figures.trouble},
      {"commands", report.metrics.commands()},
      {"invoiceCommands", figures.invoice_commands},
      {"invoiceSeconds", figures.invoice_seconds},
      {"retries", retries},
      {"latencies", latencies},
      {"check",
       {{"made", check.made},
        {"ok", exit_code(figures) == 0},
        {"file", totals_as_json(check.file)},
        {"system", totals_as_json(check.system)},
        {"fileNetPence", check.file_net},
        {"notSentPence", check.left_out_net},
        {"differences", check.differences}}}};
}

int exit_code(const RunFigures& figures) { return figures.check.ok() ? 0 : 1; }

}  // namespace everfold::load
