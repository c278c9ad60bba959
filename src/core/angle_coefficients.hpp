#pragma once

// Coefficients of asin(v) = v + v t q(t) with t = v^2, and of sin(r) = r + r t q(t) and
// cos(r) = 1 - t/2 + t^2 q(t) with t = r^2, on reduced intervals; q(t) = sum q[j] t^j.
// Written by scripts/generate_angle_polynomial.py (Remez exchange on the relative error); do not edit.
// Bound, evaluated exactly: within 2^-56 (double) or 2^-26 (float) of the function, relative.

// clang-format off
namespace braggrad::core {

// |v| <= sin(pi/8). Largest relative error of asin(v): 5.48e-18 = 2^-57.34
// with real coefficients, 5.649e-18 = 2^-57.3 with these rounded ones, evaluated exactly.
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

// |v| <= sin(pi/4). Largest relative error of asin(v): 2.219e-9 = 2^-28.75
// with real coefficients, 5.992e-9 = 2^-27.31 with these rounded ones, evaluated exactly.
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

// |r| <= pi/4. Largest relative error of sin(r): 3.621e-18 = 2^-57.94
// with real coefficients, 1.08e-17 = 2^-56.36 with these rounded ones, evaluated exactly.
inline constexpr double sin_f64[6] = {
    -0x1.5555555555548p-3,   // t^0  -0.1666666667
    0x1.111111110f7d0p-7,    // t^1  0.008333333333
    -0x1.a01a019bfdf03p-13,  // t^2  -0.0001984126983
    0x1.71de3567d4897p-19,   // t^3  2.755731362e-6
    -0x1.ae5e5a92916c9p-26,  // t^4  -2.505074776e-8
    0x1.5d8fd1fcf1c7ap-33,   // t^5  1.589623016e-10
};

// |r| <= pi/4. Largest relative error of sin(r): 3.791e-9 = 2^-27.97
// with real coefficients, 8.32e-9 = 2^-26.84 with these rounded ones, evaluated exactly.
inline constexpr float sin_f32[3] = {
    -0x1.555546p-3f,   // t^0  -0.1666665524
    0x1.11073ap-7f,    // t^1  0.008332160302
    -0x1.9943e0p-13f,  // t^2  -0.0001951528247
};

// |r| <= pi/4. Largest relative error of cos(r): 5.562e-20 = 2^-63.96
// with real coefficients, 1.104e-18 = 2^-59.65 with these rounded ones, evaluated exactly.
inline constexpr double cos_f64[6] = {
    0x1.555555555554bp-5,    // t^0  0.04166666667
    -0x1.6c16c16c14f91p-10,  // t^1  -0.001388888889
    0x1.a01a019c844f5p-16,   // t^2  2.480158729e-5
    -0x1.27e4f7eac4bc6p-22,  // t^3  -2.755731418e-7
    0x1.1ee9d7b4e3f07p-29,   // t^4  2.087570084e-9
    -0x1.8fa49a0861b05p-37,  // t^5  -1.135853652e-11
};

// |r| <= pi/4. Largest relative error of cos(r): 1.155e-10 = 2^-33.01
// with real coefficients, 1.73e-10 = 2^-32.43 with these rounded ones, evaluated exactly.
inline constexpr float cos_f32[3] = {
    0x1.55554ap-5f,    // t^0  0.04166664556
    -0x1.6c0c34p-10f,  // t^1  -0.001388731645
    0x1.99eb9cp-16f,   // t^2  2.44331568e-5
};

// Rough ones on the whole turn, sin(r) = r q(t) and cos(r) = q(t), for decisions that are seldom close.
// |r| <= pi. Largest absolute error of sin(r): 0.0002501 = 2^-11.96
// with real coefficients, 0.0002502 = 2^-11.96 with these rounded ones, evaluated exactly.
inline constexpr float rough_sin[4] = {
    0x1.ffa116p-1f,    // t^0  0.9992758632
    -0x1.534936p-3f,   // t^1  -0.1656669825
    0x1.04c510p-7f,    // t^2  0.007958061993
    -0x1.303f9ep-13f,  // t^3  -0.0001450769923
};

// |r| <= pi. Largest absolute error of cos(r): 4.02e-5 = 2^-14.6
// with real coefficients, 4.039e-5 = 2^-14.6 with these rounded ones, evaluated exactly.
inline constexpr float rough_cos[5] = {
    0x1.fffabap-1f,    // t^0  0.9999597669
    -0x1.ffc9c2p-2f,   // t^1  -0.4997930825
    0x1.53ef6ep-5f,    // t^2  0.04149600491
    -0x1.5f1474p-10f,  // t^3  -0.001339263516
    0x1.3b45e6p-16f,   // t^4  1.87917376e-5
};

// What their errors stay below in either precision.
inline constexpr float rough_bound = 0x1.000000p-11f;

}  // namespace braggrad::core
