// What every ViewShelf and its stores keep to: a suite that the in-memory and the RocksDB ones both pass.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/views/view_shelf.hpp"

namespace everfold::testing {

using Entries = std::vector<std::pair<std::string, std::string>>;

// All that a scan visits, at most `limit`.
inline Entries scanned(const std::function<void(const ViewReader::Visit&)>& scan, std::size_t limit = 1000) {
  Entries entries;
  scan([&](std::string_view key, std::string_view value) {
    entries.emplace_back(key, value);
    return entries.size() < limit;
  });
  return entries;
}

// `Fixture` has the methods shelf() → ViewShelf&, empty for every test, and directory(), that is not there yet.
template <class Fixture>
class ViewStoreContract : public ::testing::Test {
 protected:
  ViewShelf& shelf() { return fixture_.shelf(); }
  std::string directory() { return fixture_.directory(); }
  Fixture fixture_;
};
TYPED_TEST_SUITE_P(ViewStoreContract);

TYPED_TEST_P(ViewStoreContract, IsEmptyAndAtTheBeginningWhenNew) {
  const auto store = this->shelf().create(1, 1);
  EXPECT_EQ(store->row("a"), std::nullopt);
  EXPECT_EQ(store->position({"orders", 0}), LogPosition{});
  EXPECT_TRUE(scanned([&](const auto& visit) { store->rows("", "", visit); }).empty());
  EXPECT_TRUE(scanned([&](const auto& visit) { store->index_backwards("", visit); }).empty());
}

TYPED_TEST_P(ViewStoreContract, WritesAndDeletesWhatABatchSays) {
  const auto store = this->shelf().create(1, 1);
  store->write({{{"a", "1"}, {"b", std::string("\0\xff", 2)}},
                {{"by/1", "a"}, {"by/2", "b"}},
                {},
                {{{"orders", 3}, {7, 2, 5}}}});
  EXPECT_EQ(store->row("a"), "1");
  EXPECT_EQ(store->row("b"), std::string("\0\xff", 2));
  EXPECT_EQ(store->position({"orders", 3}), (LogPosition{7, 2, 5}));
  EXPECT_EQ(store->position({"orders", 30}), LogPosition{});

  store->write({{{"a", std::nullopt}, {"b", "2"}}, {{"by/3", "b"}}, {"by/1", "by/2"}, {{{"orders", 3}, {9, 2, 0}}}});
  EXPECT_EQ(store->row("a"), std::nullopt);
  EXPECT_EQ(store->row("b"), "2");
  EXPECT_EQ(scanned([&](const auto& visit) { store->index("by/", visit); }), (Entries{{"by/3", "b"}}));
  EXPECT_EQ(store->position({"orders", 3}), (LogPosition{9, 2, 0}));
}

// Deleting and putting the same index key in one batch puts it.
TYPED_TEST_P(ViewStoreContract, AnIndexEntryMayPassFromOneRowToAnother) {
  const auto store = this->shelf().create(1, 1);
  store->write({{}, {{"by/1", "a"}}, {}, {}});
  store->write({{}, {{"by/1", "b"}}, {"by/1"}, {}});
  EXPECT_EQ(scanned([&](const auto& visit) { store->index("", visit); }), (Entries{{"by/1", "b"}}));
}

TYPED_TEST_P(ViewStoreContract, ScansAPrefixInOrderBothWaysAndFromAKeyOn) {
  const auto store = this->shelf().create(1, 1);
  store->write({{{"a/1", "1"}, {"a/2", "2"}, {"a/3", "3"}, {"a", "-"}, {"b/1", "-"}, {"a/\xff", "4"}}, {}, {}, {}});
  const Entries all{{"a/1", "1"}, {"a/2", "2"}, {"a/3", "3"}, {"a/\xff", "4"}};
  EXPECT_EQ(scanned([&](const auto& visit) { store->rows("a/", "", visit); }), all);
  EXPECT_EQ(scanned([&](const auto& visit) { store->rows("a/", "a/2", visit); }), Entries(all.begin() + 1, all.end()));
  EXPECT_EQ(scanned([&](const auto& visit) { store->rows("a/", "a/21", visit); }), Entries(all.begin() + 2, all.end()));
  EXPECT_EQ(scanned([&](const auto& visit) { store->rows_backwards("a/", visit); }), Entries(all.rbegin(), all.rend()));
  EXPECT_EQ(scanned([&](const auto& visit) { store->rows("a/", "", visit); }, 2),
            Entries(all.begin(), all.begin() + 2));
  EXPECT_EQ(scanned([&](const auto& visit) { store->rows_backwards("a/", visit); }, 1), Entries({all.back()}));
  EXPECT_EQ(scanned([&](const auto& visit) { store->rows_backwards("a/\xff", visit); }), Entries({all.back()}));
  EXPECT_EQ(scanned([&](const auto& visit) { store->rows_backwards("", visit); }, 1), (Entries{{"b/1", "-"}}));
}

TYPED_TEST_P(ViewStoreContract, AGenerationOutlivesItsStore) {
  this->shelf().create(1, 42)->write({{{"a", "1"}}, {{"by", "a"}}, {}, {{{"orders", 0}, {7, 1, 2}}}});
  const auto opened = this->shelf().open(1);
  EXPECT_EQ(opened.code_version, 42);
  EXPECT_EQ(opened.store->row("a"), "1");
  EXPECT_EQ(opened.store->position({"orders", 0}), (LogPosition{7, 1, 2}));
}

TYPED_TEST_P(ViewStoreContract, GenerationsLieSideBySide) {
  ViewShelf& shelf = this->shelf();
  EXPECT_EQ(shelf.live(), 0);
  EXPECT_TRUE(shelf.generations().empty());
  shelf.create(9, 1)->write({{{"a", "old"}}, {}, {}, {}});
  shelf.create(10, 2)->write({{{"a", "new"}}, {}, {}, {}});
  EXPECT_EQ(shelf.live(), 0);
  shelf.set_live(9);
  EXPECT_EQ(shelf.live(), 9);
  shelf.set_live(10);
  EXPECT_EQ(shelf.live(), 10);
  EXPECT_EQ(shelf.generations(), (std::vector<int64_t>{9, 10}));
  EXPECT_EQ(shelf.open(9).store->row("a"), "old");
  shelf.remove(9);
  EXPECT_EQ(shelf.generations(), (std::vector<int64_t>{10}));
  EXPECT_NE(shelf.damage_of(9), "");
  EXPECT_EQ(shelf.damage_of(10), "");
  EXPECT_EQ(shelf.open(10).store->row("a"), "new");
}

TYPED_TEST_P(ViewStoreContract, WhatIsNotThereIsDamageAndCanBeSetAside) {
  ViewShelf& shelf = this->shelf();
  EXPECT_THROW(shelf.open(3), ViewDamaged);
  shelf.set_aside(3);
  shelf.create(3, 1);
  shelf.set_aside(3);
  EXPECT_TRUE(shelf.generations().empty());
  shelf.create(3, 1)->write({{{"a", "again"}}, {}, {}, {}});
  EXPECT_EQ(shelf.open(3).store->row("a"), "again");
}

TYPED_TEST_P(ViewStoreContract, ASnapshotStaysWhatItWas) {
  const auto store = this->shelf().create(1, 1);
  store->write({{{"a", "1"}, {"b", "1"}}, {{"by/1", "a"}}, {}, {{{"orders", 0}, {7, 1, 2}}}});
  const auto snapshot = store->snapshot();
  store->write({{{"a", "2"}, {"b", std::nullopt}, {"c", "2"}}, {}, {"by/1"}, {{{"orders", 0}, {9, 1, 4}}}});
  using Part = ViewSnapshot::Part;
  EXPECT_EQ(scanned([&](const auto& visit) { snapshot->walk(Part::rows, "", visit); }), (Entries{{"a", "1"}, {"b", "1"}}));
  EXPECT_EQ(scanned([&](const auto& visit) { snapshot->walk(Part::rows, "aa", visit); }), (Entries{{"b", "1"}}));
  EXPECT_EQ(scanned([&](const auto& visit) { snapshot->walk(Part::index, "", visit); }), (Entries{{"by/1", "a"}}));
  EXPECT_EQ(snapshot->position({"orders", 0}), (LogPosition{7, 1, 2}));
}

TYPED_TEST_P(ViewStoreContract, NotesLieBesideGenerationsAndGoWithThem) {
  ViewShelf& shelf = this->shelf();
  EXPECT_EQ(shelf.note(1, "order"), "");
  shelf.set_note(1, "order", "before it is made\n");
  EXPECT_EQ(shelf.generations(), (std::vector<int64_t>{1}));
  EXPECT_THROW(shelf.open(1), ViewDamaged) << "it is not made yet";
  shelf.create(1, 1);
  shelf.set_note(0, "paused", "by alice");
  EXPECT_EQ(shelf.note(1, "order"), "before it is made\n");
  shelf.set_note(1, "order", "");
  EXPECT_EQ(shelf.note(1, "order"), "");
  shelf.set_note(1, "order", "again");
  shelf.remove(1);
  EXPECT_EQ(shelf.note(1, "order"), "");
  EXPECT_TRUE(shelf.generations().empty());
  EXPECT_EQ(shelf.note(0, "paused"), "by alice");
}

TYPED_TEST_P(ViewStoreContract, ACheckpointBecomesAGeneration) {
  ViewShelf& shelf = this->shelf();
  const std::string directory = this->directory();
  const auto store = shelf.create(1, 42);
  store->write({{{"a", "1"}}, {{"by", "a"}}, {}, {{{"orders", 0}, {7, 1, 2}}}});
  EXPECT_EQ(shelf.about_checkpoint(directory), "");
  store->checkpoint(directory, "of orders");
  store->write({{{"a", "2"}}, {}, {}, {{{"orders", 0}, {9, 1, 4}}}});
  EXPECT_THROW(store->checkpoint(directory, "again"), CheckpointRefused);
  EXPECT_EQ(shelf.about_checkpoint(directory), "of orders");
  shelf.set_note(2, "order", "a restore");
  shelf.adopt(directory, 2);
  {
    const auto opened = shelf.open(2);
    EXPECT_EQ(opened.code_version, 42);
    EXPECT_EQ(opened.store->row("a"), "1");
    EXPECT_EQ(opened.store->position({"orders", 0}), (LogPosition{7, 1, 2}));
    opened.store->write({{{"a", "3"}}, {}, {}, {}});
  }
  shelf.remove(2);
  shelf.set_note(3, "order", "a restore");
  shelf.adopt(directory, 3);
  EXPECT_EQ(shelf.open(3).store->row("a"), "1") << "the checkpoint itself is left as it was";
  EXPECT_THROW(shelf.adopt(directory + "-not", 4), CheckpointRefused);
}

REGISTER_TYPED_TEST_SUITE_P(ViewStoreContract, IsEmptyAndAtTheBeginningWhenNew, WritesAndDeletesWhatABatchSays,
                            AnIndexEntryMayPassFromOneRowToAnother, ScansAPrefixInOrderBothWaysAndFromAKeyOn,
                            AGenerationOutlivesItsStore, GenerationsLieSideBySide,
                            WhatIsNotThereIsDamageAndCanBeSetAside, ASnapshotStaysWhatItWas,
                            NotesLieBesideGenerationsAndGoWithThem, ACheckpointBecomesAGeneration);

}  // namespace everfold::testing
