// Groups 1, 2 and 5: the library, its devices, and geometries. No context.
#include <cmath>
#include <cstring>
#include <set>
#include <thread>

#include "support/session.hpp"

namespace {

TEST(Library, SaysWhatItIs) {
  const std::string version = std::to_string(BRG_VERSION_MAJOR) + "." + std::to_string(BRG_VERSION_MINOR) + "." +
                              std::to_string(BRG_VERSION_PATCH);
  EXPECT_EQ(brg_version(), version);
  EXPECT_EQ(brg_abi_version(), static_cast<uint32_t>(BRG_ABI_VERSION));
  const std::string build = brg_build_info();
  EXPECT_NE(build.find(version), std::string::npos);
  EXPECT_NE(build.find("CUDA"), std::string::npos);
  EXPECT_EQ(build.find('\n'), std::string::npos);
}

TEST(Library, NamesEveryStatus) {
  std::set<std::string> names;
  for (brg_status status = BRG_SUCCESS; status <= BRG_ERROR_INTERNAL; ++status) names.insert(brg_status_name(status));
  EXPECT_EQ(names.size(), 11u);
  EXPECT_EQ(brg_status_name(BRG_SUCCESS), std::string("BRG_SUCCESS"));
  EXPECT_EQ(brg_status_name(BRG_ERROR_CAPACITY), std::string("BRG_ERROR_CAPACITY"));
  EXPECT_EQ(brg_status_name(BRG_ERROR_FORKED), std::string("BRG_ERROR_FORKED"));
  for (const brg_status status : {-1, 11, INT32_MAX, INT32_MIN})
    EXPECT_EQ(brg_status_name(status), std::string("unknown status"));
}

TEST(Library, KeepsTheLastErrorOfEachThread) {
  EXPECT_FAULT(brg_geometry_set_energy(nullptr, 1), BRG_ERROR_INVALID_ARGUMENT,
               "brg_geometry_set_energy: geometry is NULL");
  const std::string mine = brg_last_error();
  std::thread([] {
    EXPECT_EQ(brg_last_error(), std::string());
    EXPECT_EQ(brg_geometry_set_chi(nullptr, 0), BRG_ERROR_INVALID_ARGUMENT);
    EXPECT_NE(std::string(brg_last_error()).find("brg_geometry_set_chi"), std::string::npos);
  }).join();
  EXPECT_EQ(brg_last_error(), mine);
  brg_geometry geometry;
  EXPECT_BRG(BRG_INIT(brg_geometry_init, &geometry));
  EXPECT_EQ(brg_last_error(), mine) << "a success leaves it alone";
}

TEST(Device, CountsAndDescribes) {
  EXPECT_EQ(brg_backend_available(BRG_BACKEND_AUTO), 1);
  EXPECT_EQ(brg_backend_available(BRG_BACKEND_CPU), 1);
  EXPECT_EQ(brg_backend_available(-1), 0);
  EXPECT_EQ(brg_backend_available(3), 0);
  int32_t count = -1;
  ASSERT_BRG(brg_device_count(BRG_BACKEND_CPU, &count));
  EXPECT_EQ(count, 1);
  int32_t cuda = -1;
  ASSERT_BRG(brg_device_count(BRG_BACKEND_CUDA, &cuda));
  EXPECT_EQ(brg_backend_available(BRG_BACKEND_CUDA), cuda > 0);
  EXPECT_FAULT(brg_device_count(BRG_BACKEND_CPU, nullptr), BRG_ERROR_INVALID_ARGUMENT, "count");
  EXPECT_FAULT(brg_device_count(7, &count), BRG_ERROR_INVALID_ARGUMENT, "backend is 7");

  auto properties = make<brg_device_properties>();
  ASSERT_BRG(brg_device_info(BRG_BACKEND_CPU, 0, &properties));
  EXPECT_EQ(properties.backend, BRG_BACKEND_CPU);
  EXPECT_GT(std::strlen(properties.name), 0u);
  EXPECT_GE(properties.units, 1);
  EXPECT_GT(properties.memory_bytes, int64_t{1} << 26);
  EXPECT_EQ(properties.compute_capability, 0);
  EXPECT_FAULT(brg_device_info(BRG_BACKEND_CPU, 1, &properties), BRG_ERROR_NO_DEVICE, "device is 1");
  EXPECT_FAULT(brg_device_info(BRG_BACKEND_CPU, -1, &properties), BRG_ERROR_INVALID_ARGUMENT, "device is -1");
  EXPECT_FAULT(brg_device_info(BRG_BACKEND_CPU, 0, nullptr), BRG_ERROR_INVALID_ARGUMENT, "properties");
  properties.struct_size = 12;
  EXPECT_FAULT(brg_device_info(BRG_BACKEND_CPU, 0, &properties), BRG_ERROR_ABI, "struct_size is 12");
  properties = make<brg_device_properties>();
  EXPECT_FAULT(brg_device_info(BRG_BACKEND_CUDA, cuda, &properties), BRG_ERROR_NO_DEVICE,
               cuda ? "device is" : "no CUDA device: ");
  if (cuda) {
    ASSERT_BRG(brg_device_info(BRG_BACKEND_CUDA, 0, &properties));
    EXPECT_EQ(properties.backend, BRG_BACKEND_CUDA);
    EXPECT_GE(properties.compute_capability, 70);
  }
}

TEST(Geometry, HasDefaultsAndUnits) {
  brg_geometry g;
  std::memset(&g, 0xff, sizeof g);
  ASSERT_BRG(BRG_INIT(brg_geometry_init, &g));
  EXPECT_EQ(g.struct_size, sizeof g);
  EXPECT_EQ(g.flags, 0u);
  EXPECT_EQ(g.wavenumber, 0);
  EXPECT_EQ(g.beam[0], 1);
  EXPECT_EQ(g.axis[2], 1);
  EXPECT_EQ(g.chi, 0);
  EXPECT_EQ(g.grazing_cut, 0);
  // CODATA 2018, exact: 2 pi e / (h c).
  ASSERT_BRG(brg_geometry_set_energy(&g, 50.02099));
  EXPECT_NEAR(g.wavenumber, 50.02099 * 2 * M_PI / 12.398419843320026, 1e-13);
  ASSERT_BRG(brg_geometry_set_wavelength(&g, 0.25));
  EXPECT_EQ(g.wavenumber, 8 * M_PI);
  ASSERT_BRG(brg_geometry_set_chi(&g, -0.25));
  EXPECT_EQ(g.chi, -0.25);
  EXPECT_BRG(brg_geometry_check(&g));
}

TEST(Geometry, RefusesNonsense) {
  brg_geometry good;
  ASSERT_BRG(BRG_INIT(brg_geometry_init, &good));
  EXPECT_FAULT(brg_geometry_init(nullptr, sizeof good), BRG_ERROR_INVALID_ARGUMENT, "geometry is NULL");
  EXPECT_FAULT(brg_geometry_init(&good, 8), BRG_ERROR_ABI, "struct_size is 8");
  for (const double bad : {0.0, -1.0, std::nan(""), HUGE_VAL}) {
    EXPECT_FAULT(brg_geometry_set_energy(&good, bad), BRG_ERROR_INVALID_ARGUMENT, "energy_keV");
    EXPECT_FAULT(brg_geometry_set_wavelength(&good, bad), BRG_ERROR_INVALID_ARGUMENT, "wavelength_angstrom");
  }
  for (const double bad : {M_PI / 2, -M_PI / 2, std::nan(""), HUGE_VAL})
    EXPECT_FAULT(brg_geometry_set_chi(&good, bad), BRG_ERROR_INVALID_ARGUMENT, "chi");
  EXPECT_EQ(good.wavenumber, 0) << "untouched";
  const auto fault = [&](const auto& change, const char* text) {
    brg_geometry g = good;
    change(g);
    EXPECT_FAULT(brg_geometry_check(&g), BRG_ERROR_INVALID_ARGUMENT, text);
  };
  fault([](brg_geometry& g) { g.wavenumber = -1; }, "geometry.wavenumber");
  fault([](brg_geometry& g) { g.beam[0] = 1.00001; }, "geometry.beam is no unit vector");
  fault([](brg_geometry& g) { g.axis[1] = std::nan(""); }, "geometry.axis is no unit vector");
  fault([](brg_geometry& g) { g.beam[0] = 0, g.beam[2] = 1; }, "geometry.beam and geometry.axis are parallel");
  fault([](brg_geometry& g) { g.beam[0] = 0.6, g.beam[2] = 0.8, g.chi = 0.1; }, "geometry.chi is not 0");
  fault([](brg_geometry& g) { g.grazing_cut = 1; }, "geometry.grazing_cut");
  fault([](brg_geometry& g) { g.grazing_cut = -0.1; }, "geometry.grazing_cut");
  fault([](brg_geometry& g) { g.flags = 1; }, "geometry.flags");
  EXPECT_FAULT(brg_geometry_check(nullptr), BRG_ERROR_INVALID_ARGUMENT, "geometry is NULL");
  brg_geometry nearly = good;
  nearly.beam[0] = 1 + 4e-7;
  EXPECT_BRG(brg_geometry_check(&nearly));
}

// Structs of another release: longer with zeros is fine, longer with values or shorter is not.
TEST(Geometry, ReadsStructsOfOtherReleases) {
  struct {
    brg_geometry known;
    double later[2];
  } longer = {};
  ASSERT_BRG(brg_geometry_init(&longer.known, sizeof longer));
  EXPECT_EQ(longer.known.struct_size, sizeof longer);
  EXPECT_BRG(brg_geometry_check(&longer.known));
  longer.later[1] = 1;
  EXPECT_FAULT(brg_geometry_check(&longer.known), BRG_ERROR_ABI,
               "members that this version of the library does not know");
  longer.known.struct_size = 16;
  EXPECT_FAULT(brg_geometry_check(&longer.known), BRG_ERROR_ABI, "geometry.struct_size is 16");
}

}  // namespace
