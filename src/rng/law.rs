//! Laws of duration.

use serde::{Deserialize, Serialize};

use super::{exponential, uniform};
use crate::units::SimDuration;

/// How long something takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Law {
    /// Always the same.
    Constant(SimDuration),
    /// Anything from `min` to `max`, all ticks alike.
    Uniform {
        /// The shortest.
        min: SimDuration,
        /// The longest.
        max: SimDuration,
    },
    /// Lognormal, given by two quantiles.
    Lognormal {
        /// The median.
        p50: SimDuration,
        /// Ninety-nine in a hundred are shorter.
        p99: SimDuration,
    },
    /// Exponential.
    Exponential {
        /// The mean.
        mean: SimDuration,
    },
}

/// Why numbers make no law.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LawError {
    /// `max` is shorter than `min`.
    #[error("`max` is shorter than `min`")]
    Reversed,
    /// `p99` is shorter than `p50`, or `p50` is zero.
    #[error("a lognormal law needs 0 < `p50` <= `p99`")]
    Quantiles,
}

/// The 99 % quantile of the standard normal law.
const Z99: f64 = 2.326_347_874_040_841;

impl Law {
    /// No time at all.
    pub const ZERO: Self = Self::Constant(SimDuration::ZERO);

    /// The law itself, if its numbers make one.
    ///
    /// # Errors
    /// [`LawError`] names what is wrong.
    pub fn checked(self) -> Result<Self, LawError> {
        match self {
            Self::Uniform { min, max } if max < min => Err(LawError::Reversed),
            Self::Lognormal { p50, p99 } if p50.is_zero() || p99 < p50 => Err(LawError::Quantiles),
            Self::Constant(_) | Self::Uniform { .. } | Self::Lognormal { .. } | Self::Exponential { .. } => {
                Ok(self)
            }
        }
    }

    /// The duration at quantile `u` in `0..1`; monotone in `u`.
    #[must_use]
    pub fn quantile(self, u: f64) -> SimDuration {
        match self {
            Self::Constant(length) => length,
            Self::Uniform { min, max } => SimDuration::from_ticks(uniform(u, min.ticks(), max.ticks())),
            Self::Lognormal { p50, p99 } => {
                let median = p50.as_secs_f64();
                let sigma = libm::log(p99.as_secs_f64() / median) / Z99;
                SimDuration::from_secs_f64(median * libm::exp(sigma * normal_quantile(u)))
            }
            Self::Exponential { mean } => SimDuration::from_secs_f64(exponential(u, mean.as_secs_f64())),
        }
    }
}

/// The quantile function of the standard normal law, relative error below 1.15e-9.
///
/// Source: Acklam, "An algorithm for computing the inverse normal cumulative distribution function" (2003).
#[expect(clippy::excessive_precision, reason = "the digits of the source")]
#[must_use]
pub fn normal_quantile(u: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969_683_028_665_376e1,
        2.209_460_984_245_205e2,
        -2.759_285_104_469_687e2,
        1.383_577_518_672_690e2,
        -3.066_479_806_614_716e1,
        2.506_628_277_459_239,
    ];
    const B: [f64; 5] = [
        -5.447_609_879_822_406e1,
        1.615_858_368_580_409e2,
        -1.556_989_798_598_866e2,
        6.680_131_188_771_972e1,
        -1.328_068_155_288_572e1,
    ];
    const C: [f64; 6] = [
        -7.784_894_002_430_293e-3,
        -3.223_964_580_411_365e-1,
        -2.400_758_277_161_838,
        -2.549_732_539_343_734,
        4.374_664_141_464_968,
        2.938_163_982_698_783,
    ];
    const D: [f64; 4] = [
        7.784_695_709_041_462e-3,
        3.224_671_290_700_398e-1,
        2.445_134_137_142_996,
        3.754_408_661_907_416,
    ];
    const LOW: f64 = 0.024_25;
    let horner = |coefficients: &[f64], x: f64| coefficients.iter().fold(0.0, |sum, c| sum * x + c);
    if !(LOW..=1.0 - LOW).contains(&u) {
        let tail = if u < LOW { u } else { 1.0 - u };
        let q = libm::sqrt(-2.0 * libm::log(tail));
        let value = horner(&C, q) / (horner(&D, q) * q + 1.0);
        return if u < LOW { value } else { -value };
    }
    let q = u - 0.5;
    let r = q * q;
    horner(&A, r) * q / (horner(&B, r) * r + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_meet_the_published_points_of_the_normal_law() {
        for (u, z) in [
            (0.5, 0.0),
            (0.975, 1.959_963_984_540_054),
            (0.01, -2.326_347_874_040_841),
        ] {
            assert!((normal_quantile(u) - z).abs() < 1e-8, "{u}");
        }
        let law = Law::Lognormal {
            p50: SimDuration::from_secs(180),
            p99: SimDuration::from_secs(540),
        };
        assert_eq!(law.quantile(0.5), SimDuration::from_secs(180));
        assert!((law.quantile(0.99).as_secs_f64() - 540.0).abs() < 1e-3);
    }

    #[test]
    fn every_law_is_monotone_in_the_draw() {
        let secs = SimDuration::from_secs;
        let laws = [
            Law::Uniform {
                min: secs(1),
                max: secs(9),
            },
            Law::Lognormal {
                p50: secs(3),
                p99: secs(60),
            },
            Law::Exponential { mean: secs(5) },
        ];
        for law in laws {
            let values: Vec<_> = (1..1000).map(|i| law.quantile(f64::from(i) / 1000.0)).collect();
            assert!(values.is_sorted(), "{law:?}");
        }
    }
}
