//! The functions that intervals are made of, by `libm` alone, so that they are the same on every machine.

/// The regularised incomplete beta function I_x(a, b), relative error below 1e-12.
///
/// - `a`, `b`: positive.
/// - `x`: from 0 to 1.
///
/// Source: the continued fraction of Didonato and Morris, "Algorithm 708" (1992), by the method of Lentz.
#[must_use]
pub fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    // The fraction converges fast on this side of the mean only.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(b, a, 1.0 - x);
    }
    let front =
        libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b) + a * libm::log(x) + b * libm::log1p(-x);
    libm::exp(front) * fraction(a, b, x) / a
}

/// The continued fraction of the incomplete beta function.
fn fraction(a: f64, b: f64, x: f64) -> f64 {
    const STEPS: u32 = 500;
    const TINY: f64 = 1e-300;
    let away = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away(1.0 - (a + b) * x / (a + 1.0));
    let mut value = d;
    for step in 1..=STEPS {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away(1.0 + even * d);
        c = away(1.0 + even / c);
        value *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away(1.0 + odd * d);
        c = away(1.0 + odd / c);
        let change = d * c;
        value *= change;
        if (change - 1.0).abs() < 1e-15 {
            break;
        }
    }
    value
}

/// The probability that a gamma law with this shape and scale 1 is at most `x`; relative error below 1e-12.
///
/// Source: the series and the continued fraction of Abramowitz and Stegun, 6.5.29 and 6.5.31.
#[must_use]
pub fn gamma_cdf(shape: f64, x: f64) -> f64 {
    const STEPS: u32 = 10_000;
    if x <= 0.0 {
        return 0.0;
    }
    let front = libm::exp(shape * libm::log(x) - x - libm::lgamma(shape));
    if x < shape + 1.0 {
        let (mut term, mut sum) = (shape.recip(), shape.recip());
        for step in 1..STEPS {
            term *= x / (shape + f64::from(step));
            sum += term;
            if term < 1e-16 * sum {
                break;
            }
        }
        return (front * sum).min(1.0);
    }
    let mut b = x + 1.0 - shape;
    let mut c = 1e300;
    let mut d = b.recip();
    let mut value = d;
    for step in 1..STEPS {
        let m = f64::from(step);
        let a = m * (shape - m);
        b += 2.0;
        d = (a * d + b).recip();
        c = b + a / c;
        let change = c * d;
        value *= change;
        if (change - 1.0).abs() < 1e-16 {
            break;
        }
    }
    1.0 - front * value
}

/// The quantile of the gamma law with this shape and scale 1 at `u` in `0..1`.
#[must_use]
pub fn gamma_quantile(shape: f64, u: f64) -> f64 {
    // The cube of a normal law is near, except at the left end of a small shape, where the first term of the series is.
    let ninth = (9.0 * shape).recip();
    let root = 1.0 - ninth + crate::rng::normal_quantile(u) * libm::sqrt(ninth);
    let left = libm::exp((libm::log(u) + libm::lgamma(shape + 1.0)) / shape);
    let mut x = if root > 0.3 {
        shape * root * root * root
    } else {
        left
    };
    let (mut low, mut high) = (0.0, f64::INFINITY);
    for _ in 0..100 {
        let off = gamma_cdf(shape, x) - u;
        if off > 0.0 {
            high = x;
        } else {
            low = x;
        }
        let slope = libm::exp((shape - 1.0) * libm::log(x) - x - libm::lgamma(shape));
        let step = x - off / slope;
        let bound = if high.is_finite() {
            0.5 * (low + high)
        } else {
            2.0 * x + 1.0
        };
        let next = if step > low && step < high { step } else { bound };
        if (next - x).abs() <= 1e-12 * x {
            return next;
        }
        x = next;
    }
    x
}

/// The probability that Student's t with `freedom` degrees of freedom is at most `t`.
#[must_use]
pub fn student_cdf(t: f64, freedom: f64) -> f64 {
    let tail = 0.5 * incomplete_beta(0.5 * freedom, 0.5, freedom / (freedom + t * t));
    if t > 0.0 { 1.0 - tail } else { tail }
}

/// The probability that Student's t with `freedom` degrees of freedom lies at least `t` away from 0, on either side. It keeps
/// its digits however small it is, which one less [`student_cdf`] does not.
#[must_use]
pub fn student_beyond(t: f64, freedom: f64) -> f64 {
    incomplete_beta(0.5 * freedom, 0.5, freedom / (freedom + t * t))
}

/// The quantile of Student's t with `freedom` degrees of freedom at `u` in `0..1`.
#[must_use]
pub fn student_quantile(u: f64, freedom: f64) -> f64 {
    if u < 0.5 {
        return -student_quantile(1.0 - u, freedom);
    }
    let mut high = 1.0;
    while student_cdf(high, freedom) < u && high < 1e12 {
        high *= 2.0;
    }
    let mut low = 0.0;
    // Halving 200 times ends below the last digit, wherever it starts.
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if student_cdf(middle, freedom) < u {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// The probability of at most `hits` of `tries` independent tries that each hit with probability `p`.
pub(super) fn binomial_cdf(hits: u64, tries: u64, p: f64) -> f64 {
    if hits >= tries {
        return 1.0;
    }
    incomplete_beta((tries - hits) as f64, hits as f64 + 1.0, 1.0 - p)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn student_has_the_quantiles_of_the_published_tables() {
        for (u, freedom, t) in [
            (0.975, 1.0, 12.706_204_736),
            (0.975, 2.0, 4.302_652_730),
            (0.975, 10.0, 2.228_138_852),
            (0.995, 10.0, 3.169_272_673),
            (0.975, 30.0, 2.042_272_456),
            (0.95, 120.0, 1.657_650_899),
            (0.995, 1e7, 2.575_829_6),
        ] {
            assert!((student_quantile(u, freedom) - t).abs() < 1e-6, "{u} {freedom}");
            assert!((student_quantile(1.0 - u, freedom) + t).abs() < 1e-6);
            assert!((student_cdf(t, freedom) - u).abs() < 1e-8);
            assert!((student_beyond(t, freedom) - 2.0 * (1.0 - u)).abs() < 2e-8);
            assert_eq!(student_beyond(-t, freedom), student_beyond(t, freedom));
        }
        // Far out, by the law of one degree, 2 / pi * atan(1 / t), and of two, 1 - t / sqrt(2 + t^2).
        let far = [(1.0, 1e12, 6.366_197_723_675_813e-13), (2.0, 1e10, 1e-20)];
        for (freedom, t, p) in far {
            assert!(
                (student_beyond(t, freedom) / p - 1.0).abs() < 1e-9,
                "{freedom} {t}"
            );
        }
        assert!(student_quantile(0.5, 7.0).abs() < 1e-9);
    }

    #[test]
    fn gamma_has_the_quantiles_of_the_published_tables() {
        // Chi squared with n degrees of freedom is twice a gamma law of shape n / 2.
        for (u, freedom, chi2) in [
            (0.95, 1.0, 3.841_458_821),
            (0.05, 1.0, 0.003_932_140),
            (0.95, 2.0, 5.991_464_547),
            (0.99, 10.0, 23.209_251_159),
            (0.01, 100.0, 70.064_894_925),
        ] {
            let found = 2.0 * gamma_quantile(0.5 * freedom, u);
            assert!(
                (found - chi2).abs() < 1e-8 * chi2.max(0.1),
                "{u} {freedom}: {found}"
            );
            assert!((gamma_cdf(0.5 * freedom, 0.5 * chi2) - u).abs() < 1e-8);
        }
        for shape in [0.05, 0.3, 1.0, 40.0] {
            for u in [1e-6, 0.1, 0.5, 0.999_999] {
                let x = gamma_quantile(shape, u);
                assert!((gamma_cdf(shape, x) - u).abs() < 1e-9, "{shape} {u}: {x}");
            }
        }
    }

    #[test]
    fn the_binomial_law_adds_up_its_terms() {
        for (tries, p) in [(1_u64, 0.3), (17, 0.05), (60, 0.95)] {
            let mut term = libm::pow(1.0 - p, tries as f64);
            let mut sum = 0.0;
            for hits in 0..=tries {
                sum += term;
                assert!(
                    (binomial_cdf(hits, tries, p) - sum).abs() < 1e-12,
                    "{hits} of {tries}"
                );
                term *= (tries - hits) as f64 / (hits + 1) as f64 * p / (1.0 - p);
            }
        }
    }
}
