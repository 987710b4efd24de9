#include <algorithm>
#include <mutex>

#include "cluster/meta_store.hpp"

namespace shoal::cluster {

namespace {

using hint_list = std::vector<std::pair<const void*, std::function<void()>>>;

/// Shared with the watches, which may outlive the store.
struct hint_board {
  std::mutex mutex;
  hint_list hints;
};

class local_watch : public meta_watch {
public:
  local_watch(std::shared_ptr<hint_board> board, std::function<void()> hint)
      : board_{std::move(board)} {
    auto guard = std::lock_guard{board_->mutex};
    board_->hints.emplace_back(this, std::move(hint));
  }

  ~local_watch() override {
    auto guard = std::lock_guard{board_->mutex};
    std::erase_if(board_->hints, [this](const auto& x) { return x.first == this; });
  }

private:
  std::shared_ptr<hint_board> board_;
};

class local_key_value : public key_value {
public:
  explicit local_key_value(meta_hooks hooks) : hooks_{std::move(hooks)} {}

  meta_result get(std::string_view name, stored_value& out, std::int64_t& store_revision) override {
    store_revision = 0;
    auto guard = std::lock_guard{mutex_};
    return load(name, out);
  }

  meta_result list(std::string_view prefix, std::vector<stored_value>& out) override {
    out.clear();
    auto guard = std::lock_guard{mutex_};
    auto found = std::vector<std::pair<std::string, std::string>>{};
    if (!hooks_.list(prefix, found))
      return meta_result::failed;
    std::sort(found.begin(), found.end());
    for (auto& [name, text] : found)
      out.push_back({std::move(name), std::move(text), 0});
    return meta_result::done;
  }

  meta_result swap(std::string_view name, const std::optional<stored_value>& expected,
      std::string_view text) override {
    {
      auto guard = std::lock_guard{mutex_};
      auto current = stored_value{};
      auto result = load(name, current);
      if (result == meta_result::failed)
        return result;
      auto same = expected ? result == meta_result::done && current.text == expected->text
                           : result == meta_result::missing;
      if (!same)
        return meta_result::conflict;
      if (!hooks_.save(name, text))
        return meta_result::failed;
    }
    auto guard = std::lock_guard{board_->mutex};
    for (const auto& [owner, hint] : board_->hints)
      hint();
    return meta_result::done;
  }

  std::unique_ptr<meta_watch> watch(std::function<void()> hint) override {
    return std::make_unique<local_watch>(board_, std::move(hint));
  }

  std::string problem() const override {
    return "the node's own database could not be read or written";
  }

private:
  meta_result load(std::string_view name, stored_value& out) {
    auto text = std::string{};
    switch (hooks_.load(name, text)) {
    case load_result::found:
      out = {std::string{name}, std::move(text), 0};
      return meta_result::done;
    case load_result::missing:
      return meta_result::missing;
    case load_result::failed:
      break;
    }
    return meta_result::failed;
  }

  std::mutex mutex_;
  meta_hooks hooks_;
  std::shared_ptr<hint_board> board_ = std::make_shared<hint_board>();
};

} // namespace

std::unique_ptr<meta_store> make_local_meta_store(meta_hooks hooks) {
  return std::make_unique<meta_store>(std::make_unique<local_key_value>(std::move(hooks)));
}

meta_hooks memory_meta_hooks() {
  // The store calls its hooks one at a time.
  auto values = std::make_shared<std::map<std::string, std::string, std::less<>>>();
  return {
      [values](std::string_view name, std::string& value) {
        auto i = values->find(name);
        if (i == values->end())
          return load_result::missing;
        value = i->second;
        return load_result::found;
      },
      [values](std::string_view name, std::string_view value) {
        values->insert_or_assign(std::string{name}, std::string{value});
        return true;
      },
      [values](std::string_view prefix, std::vector<std::pair<std::string, std::string>>& out) {
        for (auto i = values->lower_bound(prefix);
             i != values->end() && i->first.starts_with(prefix); ++i)
          out.emplace_back(*i);
        return true;
      },
  };
}

} // namespace shoal::cluster
