// Contexts, reflections of gold, random orientations and targets: see workbench.hpp.
#include "workbench.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <random>

namespace bench {
namespace {

constexpr double gold[6] = {4.0782, 4.0782, 4.0782, 90, 90, 90};  // Angstrom, degrees
constexpr double energy_keV = 52;
constexpr int64_t most_families = 500;  // longer lists repeat these: more would not fit into the Ewald sphere

struct Miller {
  int32_t h, k, l;
};

// The first `count` reflections of the half that has no two Friedel mates.
std::vector<Miller> half_list(int64_t count) {
  double d_min = gold[0];
  int64_t total = 0;
  while (require(brg_hkl_enumerate(gold, 'F', d_min, 0, nullptr, &total)), total < 2 * count) d_min *= 0.95;
  std::vector<Miller> all(static_cast<size_t>(total));
  require(brg_hkl_enumerate(gold, 'F', d_min, total, &all[0].h, &total));
  all.resize(static_cast<size_t>(count));
  return all;
}

std::vector<Miller> make_list(List list, int64_t count) {
  const int64_t first = (count + 1) / 2;
  const std::vector<Miller> half = half_list(std::clamp(first, int64_t{1}, most_families));
  std::vector<Miller> rows;
  for (int64_t n = 0; n < count; ++n) {
    const bool mate = n >= first;
    const Miller row = half[static_cast<size_t>(mate ? n - first : n) % half.size()];
    rows.push_back(mate ? Miller{-row.h, -row.k, -row.l} : row);
  }
  if (list == List::shuffled) std::shuffle(rows.begin(), rows.end(), std::mt19937_64(1));
  return rows;
}

// Bytes of the machine: "MemTotal", or "MemAvailable" to a process.
size_t machine_memory(const std::string& what) {
  std::ifstream file("/proc/meminfo");
  for (std::string key, unit; file >> key;) {
    size_t kibibytes = 0;
    if (key == what + ":" && file >> kibibytes) return kibibytes << 10;
    std::getline(file, unit);
  }
  return SIZE_MAX;  // not known
}

}  // namespace

void require(brg_status status) {
  if (status == BRG_SUCCESS) return;
  std::fprintf(stderr, "%s\n", brg_last_error());
  std::exit(1);
}

Memory::Memory(size_t bytes) : size_(bytes), data_(nullptr, std::free) {
  constexpr size_t page = size_t{2} << 20;
  const size_t rounded = (bytes + page - 1) / page * page;
  data_.reset(std::aligned_alloc(page, rounded));
  if (!data_) {
    std::fprintf(stderr, "no memory for %zu bytes\n", bytes);
    std::exit(1);
  }
  madvise(data_.get(), rounded, MADV_HUGEPAGE);
  std::memset(data_.get(), 0, bytes);
}

Memory::Memory(brg_context* context, size_t bytes) : size_(bytes) {
  require(brg_buffer_create(context, bytes, &buffer_));
  data_ = {brg_buffer_data(buffer_), [buffer = buffer_](void*) { brg_buffer_destroy(buffer); }};
  require(brg_buffer_clear(context, buffer_));
}

void Memory::upload(brg_context* context, const void* source, size_t bytes) {
  require(brg_buffer_upload(context, buffer_, 0, source, bytes));
}

std::pair<Memory&, bool> Workbench::memory(const std::string& role, size_t size, int64_t count) {
  const std::string key = role + "/" + std::to_string(size);
  const size_t bytes = std::max(size * static_cast<size_t>(count), size_t{1});
  const auto found = memory_.find(key);
  if (found != memory_.end() && found->second.size() >= bytes) return {found->second, false};
  if (found != memory_.end()) memory_.erase(found);
  Memory made = backend_ == BRG_BACKEND_CPU ? Memory(bytes) : Memory(context("", 1), bytes);
  return {memory_.emplace(key, std::move(made)).first->second, true};
}

bool Workbench::has_room(size_t bytes) {
  const size_t left = machine_memory("MemTotal") / 8;
  const auto fits = [=](size_t available) { return available > left && bytes <= available - left; };
  if (fits(machine_memory("MemAvailable"))) return true;
  memory_.clear();
  return fits(machine_memory("MemAvailable"));
}

brg_context* Workbench::context(const std::string& level, int threads, std::string* why) {
  const auto key = backend_ == BRG_BACKEND_CPU ? std::pair(level, threads) : std::pair(std::string(), 1);
  auto found = contexts_.find(key);
  if (found == contexts_.end()) {
    if (!level.empty()) setenv("BRAGGRAD_SIMD", level.c_str(), 1);
    auto options = make<brg_context_options>();
    options.backend = backend_;
    options.threads = threads;
    brg_context* made = nullptr;
    const std::string reason = brg_context_create(&options, &made) ? brg_last_error() : "";
    if (!level.empty()) unsetenv("BRAGGRAD_SIMD");
    found = contexts_.emplace(key, std::pair(Context(made, brg_context_destroy), reason)).first;
  }
  if (why) *why = found->second.second;
  return found->second.first.get();
}

const Reflections& Workbench::reflections(List list, int64_t count) {
  const auto key = std::pair(list, count);
  const auto found = reflections_.find(key);
  if (found != reflections_.end()) return found->second;
  const std::vector<Miller> rows = make_list(list, count);
  double basis[9];
  require(brg_reciprocal_basis(gold, basis));
  brg_reflections* handle = nullptr;
  require(brg_reflections_create(context("", 1), count, &rows[0].h, basis, &handle));
  Reflections made{{handle, brg_reflections_destroy}, {}};
  for (const Miller& row : rows)
    for (int i = 0; i < 9; i += 3) made.q.push_back(basis[i] * row.h + basis[i + 1] * row.k + basis[i + 2] * row.l);
  return reflections_.emplace(key, std::move(made)).first->second;
}

template <class T>
const T* Workbench::random(const std::string& role, int64_t count, double low, double high) {
  return input<T>(role, count,
                  [&](T* data, int64_t n) { std::ranges::copy(random_values<T>(role, n, low, high), data); });
}

template <class T>
std::vector<T> Workbench::random_values(const std::string& role, int64_t count, double low, double high) {
  std::mt19937_64 engine(std::hash<std::string>()(role));
  std::uniform_real_distribution<double> uniform(low, high);
  std::vector<T> values(static_cast<size_t>(count));
  std::ranges::generate(values, [&] { return static_cast<T>(uniform(engine)); });
  return values;
}

template <class T>
const T* Workbench::rotations(int64_t count) {
  return input<T>("rotation", 9 * count, [](T* data, int64_t size) {
    std::mt19937_64 engine(1);
    std::normal_distribution<double> normal;
    for (T* r = data; r < data + size; r += 9) {
      double q[4], norm = 0;
      for (double& value : q) value = normal(engine), norm += value * value;
      for (double& value : q) value /= std::sqrt(norm);
      const double w = q[0], x = q[1], y = q[2], z = q[3];
      const double rows[9] = {1 - 2 * (y * y + z * z), 2 * (x * y - w * z),     2 * (x * z + w * y),
                              2 * (x * y + w * z),     1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
                              2 * (x * z - w * y),     2 * (y * z + w * x),     1 - 2 * (x * x + y * y)};
      std::transform(rows, rows + 9, r, [](double value) { return static_cast<T>(value); });
    }
  });
}

template const double* Workbench::random(const std::string&, int64_t, double, double);
template const float* Workbench::random(const std::string&, int64_t, double, double);
template std::vector<double> Workbench::random_values(const std::string&, int64_t, double, double);
template std::vector<float> Workbench::random_values(const std::string&, int64_t, double, double);
template const double* Workbench::rotations(int64_t);
template const float* Workbench::rotations(int64_t);

brg_geometry make_geometry(double chi) {
  brg_geometry geometry;
  require(BRG_INIT(brg_geometry_init, &geometry));
  require(brg_geometry_set_energy(&geometry, energy_keV));
  require(brg_geometry_set_chi(&geometry, chi));
  return geometry;
}

}  // namespace bench
