// The inner loops, compiled for several instruction sets; the best one that the processor has is chosen when a loop is
// first called.
//
// Plain numbers and pointers: nothing here knows of families. Coordinates come as a tile has them: coordinate j of row i at
// points[j * kTilePoints + i]. Rows are given as whole blocks of kLanes. Within one instruction set a row's results depend
// on nothing but the row: every lane does the same operations in the same order, whatever lies beside it. Between
// instruction sets results differ by rounding, as some have a fused multiply-add.
//
// Vectors by Google Highway.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "emulsion/tile.h"

namespace emulsion::kernels {

// Names of the instruction sets that this build has loops for and this processor can run, the best one first.
std::vector<std::string> instruction_sets();

// The one in use.
std::string instruction_set();

// Uses another one from now on, for tests and measurements; an empty name means the best one. Not while loops run.
// Returns false, and changes nothing, if it is not one of instruction_sets().
bool use_instruction_set(const std::string& name);

// --- points --------------------------------------------------------------------------------------------------------------

// Copies rows of d numbers, one behind the other, into columns that lie kTilePoints apart.
// Returns true if one of the numbers is NaN.
bool rows_to_columns(const double* rows, Index d, Index count, double* columns);

// Copies columns that lie kTilePoints apart into `count` rows of d numbers, one behind the other.
void columns_to_rows(const double* columns, Index d, Index count, double* rows);

// x - place for some rows x of a tile, in blocks as shift_to_blocks makes them.
//   rows     256 x d, row after row
//   numbers  `count` numbers of rows, at least one
//   place    d
//   out      room for whole blocks, of which the last may be filled with numbers that mean nothing
void gather_to_blocks(const double* rows, Index d, const std::uint8_t* numbers, Index count, const double* place, double* out);

// --- densities -----------------------------------------------------------------------------------------------------------

// x - centre for each row x, in blocks: coordinate j of row i at out[(i / kLanes * d + j) * kLanes + i % kLanes], which
// keeps together what is used together.
//   points, out  256 x d
//   centre       d
void shift_to_blocks(const double* points, Index d, const double* centre, LaneRange rows, double* out);

// Coefficients of a lower triangular d x d matrix and an offset.
constexpr Index affine_size(Index d) { return d + d * (d + 1) / 2; }

// Writes them as `affine_distances` reads them: coefficient after coefficient in the order of use.
//   factor  its lower triangle, row by row
//   packed  affine_size(d)
void pack_affine(const double* factor, Index d, const double* offset, double* packed);

// |offset + factor x|^2 for each row x: half of a normal log density is this and a constant. The rows may end within a block;
// `out` then has room for all of it.
//   blocks  256 x d, as shift_to_blocks made it
//   packed  as pack_affine made it
//   scale, constant   out = constant + scale * |...|^2
//   out     256
void affine_distances(const double* blocks, Index d, const double* packed, double scale, double constant, LaneRange rows, double* out);

// The same with diagonal factors, for some components.
//   packed     2 d x K: factor and offset of each coordinate in turn
//   constants  K
//   out        256 x K
void diagonal_distances(const double* blocks, Index d, const double* packed, Index components, double scale, const double* constants,
                        LaneRange rows, double* out);

// --- factors -------------------------------------------------------------------------------------------------------------

// Puts inverse Cholesky factors, lower triangular ones, in the place of kLanes symmetric matrices that stand side by side: number
// `at` of the lower triangle, row by row, of matrix `lane` at triangles[at * kLanes + lane].
//   triangles  d (d + 1) / 2 x kLanes
//   count      the first ones, which mean something; the others may be worked on too
//   pivots     d x kLanes: become the diagonals of the factors. Where one of a matrix is not a finite number above 0, the matrix is not
//              positive definite, and its inverse means nothing
void invert_cholesky(double* triangles, Index d, Index count, double* pivots);

// --- bounds --------------------------------------------------------------------------------------------------------------

inline constexpr int kProjections = 8;  // coordinates that are worked on together
inline constexpr int kMostProjections = 2 * kProjections;

// A linear map of each row.
//   blocks       256 x d, as shift_to_blocks made it
//   map          d times `projections` coefficients, coordinate after coordinate
//   projections  a multiple of kProjections, at most kMostProjections
//   out          256 x projections
void project(const double* blocks, Index d, const double* map, Index projections, LaneRange rows, double* out);

// For each row, and each component, constant + factor_0 |p|^2 + factor_1 p_1 + ... + factor_q p_q, where p is the projected row; in
// single precision.
//   constants  K
//   factors    (1 + projections) x K
//   squares    256: becomes |p|^2
//   out        for block after block of kLanes rows and component after component, one number for each row of the block
//   best       256: the first component with the highest number
void upper_bounds(const double* projected, Index projections, const float* constants, const float* factors, Index components,
                  LaneRange rows, double* squares, float* out, std::int32_t* best);

// For each component, which rows have a bound that is not below their threshold.
//   bounds      as upper_bounds made them
//   thresholds  256
//   masks       kTileBlocks x K: for each block of rows, bit i stands for its row i
void rows_not_below(const float* bounds, Index components, const float* thresholds, LaneRange rows, std::uint8_t* masks);

// --- posteriors ----------------------------------------------------------------------------------------------------------

// Which components may matter for the rows of each block of kLanes rows; all others have a density too low to count.
struct ListedComponents {
  std::vector<std::int32_t> lists;                     // blocks x K: those of block b from b K on, in ascending order
  std::array<std::int32_t, kTilePoints / kLanes> counts;  // how many of them mean something
};

// Turns log densities into posterior probabilities, in place, row by row.
//   joint        256 x K: log densities; what is not above `lowest`, NaN included, counts as `lowest`
//   log_weights  K, added to them
//   negligible   a component this much below the most probable one has probability 0; < 0
//   listed       null: all components. Otherwise those that are not listed must be 0, which they stay
//   log_density  256: log of the sum of the joint densities
//   most_probable  256: the first of the most probable components
void posteriors(double* joint, Index components, const double* log_weights, double lowest, double negligible, LaneRange rows,
                const ListedComponents* listed, double* log_density, std::int32_t* most_probable);

// responsibility * weight for each row, as its share in each component; 0 where that is less than `least`.
//   responsibilities, shares  256 x K
//   weights                   256
//   rows                      those from here on are left as they are; whole blocks of kLanes
void weigh(const double* responsibilities, Index components, const double* weights, double least, Index rows, double* shares);

// --- statistics ----------------------------------------------------------------------------------------------------------

// For some components: the sum of the shares, of share x, and of share x x^T, lower triangle row by row, over some rows of a tile.
// Made for very few dimensions.
//   blocks  256 x d, as shift_to_blocks made it; d <= kBlockProductDimensions
//   rows    > 0; those from here to the end of their block must have no share
//   shares  256 x K, >= 0
//   sums    K times 1 + d + d (d + 1) / 2 numbers
inline constexpr Index kBlockProductDimensions = 8;
void block_product_sums(const double* blocks, Index d, Index rows, const double* shares, Index components, double* sums);

// The same of x - centre, with the squares of the coordinates for the products, for any number of dimensions: K times 1 + 2 d
// numbers.
//   points  256 x d
//   centre  d
void square_sums(const double* points, Index d, const double* centre, Index rows, const double* shares, Index components, double* sums);

// One column of points about an origin, which lies between its lowest and its highest number: sums of weight (x - origin) and of
// weight (x - origin)^2, and both ends.
//   column, weights  256 each, of which those from `rows` on may be anything; no weights: all 1
struct Moments {
  double first, second, lowest, highest;
};
Moments column_moments(const double* column, Index rows, const double* weights, double origin);

// The sum of values times weights.
//   values   count
//   weights  count; null: all 1
double weighted_sum(const double* values, Index count, const double* weights);

// Room that the loops below need: so many numbers.
Index sums_scratch(Index d);

// How many shares are above 0.
//   shares  256 x K, >= 0
//   rows    those from here on must have no share
Index count_shares(const double* shares, Index rows, Index components);

// The sums that block_product_sums makes, of rows that lie as Tile::rows has them; d <= kProductDimensions.
//   centre      d, taken off each row
//   shares      256 x K, >= 0; rows of 0 are left out
//   sums        K times product_sums_width(d) numbers: of all products, where product_position says; of the d coordinates; and of the
//               shares. The others mean nothing
inline constexpr Index kProductDimensions = 16;
Index product_sums_width(Index d);
void product_sums(const double* point_rows, Index d, Index rows, const double* centre, const double* shares, Index components,
                  double* scratch, double* sums);

// Where the product of coordinates i and j <= i stands: behind those of coordinates that lie less far apart, on a circle.
constexpr Index product_position(Index i, Index j, Index d) {
  const Index apart = i - j;
  return 2 * apart <= d ? apart * d + j : (d - apart) * d + i;
}

// What square_sums makes for one component about a place of its own, of rows that lie as Tile::rows has them; rows without a share
// are left out.
//   shares  256
//   rows    those from here on must have no share
//   near    d
//   first   d: sum of share (x - near)
//   second  d: of share and the squares of the coordinates of x - near
// Returns the sum of the shares.
double spread_sums(const double* point_rows, Index d, Index rows, const double* shares, const double* near, double* scratch, double* first,
                   double* second);

// All products for one component about a place of its own. Made for many dimensions.
//   shares  256
//   rows    those from here on must have no share
//   first   d: sum of share (x - near)
//   second  d (d + 1) / 2: sum of share (x - near) (x - near)^T
// Returns the sum of the shares.
double scatter_sums(const double* point_rows, Index d, Index rows, const double* shares, const double* near, double* scratch, double* first,
                    double* second);

// --- forgetting ----------------------------------------------------------------------------------------------------------

// (1 - g(t + 1)) g(t) / g(t + 1) with g(t) = t^-exponent, in [0, 1], for count numbers t from first + offset >= 0 on; 0 for t = 0.
// If `first` is whole, a number's bits do not depend on where it stands.
void power_law_retentions(double first, double offset, double exponent, Index count, double* out);

}  // namespace emulsion::kernels
