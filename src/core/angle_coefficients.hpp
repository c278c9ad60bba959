#pragma once

// Coefficients of the arcsine on a reduced interval: asin(v) = v + v t q(t), t = v^2, q(t) = sum q[j] t^j.
// Written by scripts/generate_angle_polynomial.py (Remez exchange on the relative error); do not edit.
// Bound: the exactly evaluated polynomial is within 2^-57 (double) or 2^-26 (float) of asin(v), relative.

// clang-format off
namespace braggrad::core {

// |v| <= sin(pi/8). Largest relative error of asin(v): 5.48e-18 = 2^-57.34 with real coefficients,
// 5.649e-18 = 2^-57.3 with these rounded ones, the polynomial evaluated exactly.
inline constexpr double asin_f64[10] = {
    0x1.5555555555488p-3,  // t^0  0.1666666667
    0x1.3333333354213p-4,  // t^1  0.075
    0x1.6db6db507d775p-5,  // t^2  0.04464285693
    0x1.f1c72942ab539p-6,  // t^3  0.03038195638
    0x1.6e8a06d056843p-6,  // t^4  0.0223717753
    0x1.1c6ea2731feaap-6,  // t^5  0.01736036171
    0x1.c67926827a01ap-7,  // t^6  0.01386942273
    0x1.935bce24a921ap-7,  // t^7  0.01230952802
    0x1.919f349ca213dp-8,  // t^8  0.006128263802
    0x1.203028b5eac6ep-6,  // t^9  0.01758960701
};

// |v| <= sin(pi/4). Largest relative error of asin(v): 2.219e-9 = 2^-28.75 with real coefficients,
// 5.992e-9 = 2^-27.31 with these rounded ones, the polynomial evaluated exactly.
inline constexpr float asin_f32[8] = {
    0x1.55551ap-3f,   // t^0  0.1666662246
    0x1.334f54p-4f,   // t^1  0.07502682507
    0x1.691e32p-5f,   // t^2  0.04408178106
    0x1.26d706p-5f,   // t^3  0.03599120304
    -0x1.080900p-7f,  // t^4  -0.008057713509
    0x1.c3e954p-4f,   // t^5  0.1103299409
    -0x1.1ea79ep-3f,  // t^6  -0.1399681419
    0x1.024876p-3f,   // t^7  0.1261147708
};

}  // namespace braggrad::core
