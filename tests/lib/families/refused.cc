// Shared objects that are refused; EMULSION_CASE says for what.
#include <stdexcept>

#include "emulsion/custom_family.h"

namespace {

class Odd : public emulsion::CustomFamily {
 public:
  Odd() {
    if (EMULSION_CASE == 2) throw std::runtime_error("no licence");
    if (EMULSION_CASE == 3) throw 42;
  }
  std::string name() const override { return EMULSION_CASE == 4 ? "gaussian" : "odd"; }
  std::vector<Part> parameters(std::size_t) const override { return {{"place"}}; }
  std::size_t statistics_size(std::size_t) const override { return 1; }
  double log_density(Numbers, Numbers) const override {
    if (EMULSION_CASE == 6) throw std::runtime_error("no idea");
    return 0;
  }
  void statistics(Numbers point, Numbers, Output out) const override { out[0] = point[0]; }
  void expected_statistics(Numbers parameters, Output out) const override { out[0] = parameters[0]; }
  void maximise(Numbers mean, double, const Prior&, Numbers, Output out) const override { out[0] = mean[0]; }
  void place(Numbers centre, Numbers, Output out) const override { out[0] = centre[0]; }
  void mean(Numbers parameters, Output out) const override { out[0] = parameters[0]; }
  void variance(Numbers, Output out) const override { out[0] = 1; }
};

}  // namespace

#if EMULSION_CASE == 0
extern "C" __attribute__((visibility("default"))) const int something_else;
const int something_else = 1;
#elif EMULSION_CASE == 1
extern "C" __attribute__((visibility("default"))) const emulsion::FamilyLibrary emulsion_family_library;
const emulsion::FamilyLibrary emulsion_family_library = {"version 0, libstdc++", &emulsion::make_custom_families<Odd>};
#elif EMULSION_CASE == 5
EMULSION_EXPORT_FAMILIES(Odd, Odd);
#elif EMULSION_CASE == 7
extern "C" __attribute__((visibility("default"))) const emulsion::FamilyLibrary emulsion_family_library;
const emulsion::FamilyLibrary emulsion_family_library = {emulsion::kFamilyInterface, nullptr};
#elif EMULSION_CASE == 8
namespace {
std::vector<std::unique_ptr<emulsion::CustomFamily>> make_nothing() {
  std::vector<std::unique_ptr<emulsion::CustomFamily>> families(1);
  return families;
}
}  // namespace
extern "C" __attribute__((visibility("default"))) const emulsion::FamilyLibrary emulsion_family_library;
const emulsion::FamilyLibrary emulsion_family_library = {emulsion::kFamilyInterface, &make_nothing};
#else
EMULSION_EXPORT_FAMILIES(Odd);
#endif
