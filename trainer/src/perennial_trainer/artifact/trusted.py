"""The types beyond skops' own defaults that a model file may hold.

Each was looked at: it keeps arrays and numbers, and making one calls nothing else. Functions and anything that can name
a function to call stay out. Found by fitting and saving every estimator that `perennial_trainer.estimators` knows.
"""

_TREES = {
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.neighbors._ball_tree.BallTree",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.tree._tree.Tree",
}
_DISTANCES = {
    f"sklearn.metrics._dist_metrics.{name}Distance64" for name in ("Chebyshev", "Euclidean", "Manhattan", "Minkowski")
}
_LOSSES = {f"sklearn._loss.loss.{name}" for name in ("HalfTweedieLoss", "HalfTweedieLossIdentity")}
_KERNELS = {
    f"sklearn.gaussian_process.kernels.{name}"
    for name in ("ConstantKernel", "DotProduct", "Matern", "Product", "RBF", "RationalQuadratic", "Sum", "WhiteKernel")
}
_PARTS = {
    "numpy.dtype",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
}

TRUSTED: frozenset[str] = frozenset(_TREES | _DISTANCES | _LOSSES | _KERNELS | _PARTS)
