package scorecard

import "github.com/liangding/platform"

// Refusals of definitions, observations and cases.
var (
	// ErrWeights refuses weights that are not above zero, or do not add up to 1.
	ErrWeights = platform.Err(platform.ErrInvalid, "scorecard.weights", "weights are above zero and add up to 1 exactly", "权重须大于零且合计恰为1")
	// ErrCurve refuses a curve without 2 to 10 points in order, one that turns, or
	// one that leaves 0 to 100.
	ErrCurve = platform.Err(platform.ErrInvalid, "scorecard.curve", "a curve has 2 to 10 points in ascending order and runs one way between 0 and 100", "曲线须有2至10个升序的点，单调且在0至100之间")
	// ErrSample refuses a least sample below 1, or a pull below 0.
	ErrSample = platform.Err(platform.ErrInvalid, "scorecard.sample", "the least sample is 1 or more, its pull 0 or more", "最小样本数须不小于1，收缩强度须不小于0")
	// ErrCriteria refuses a definition without a name or version, and one without 1 to
	// 40 criteria of different names.
	ErrCriteria = platform.Err(platform.ErrInvalid, "scorecard.criteria", "a definition has a name, a version, and 1 to 40 criteria of different names", "定义须有名称、版本及1至40个名称不同的指标")
	// ErrBands refuses bands that do not cover 0 to 100 in descending order, and a gate
	// to a grade that no band has.
	ErrBands = platform.Err(platform.ErrInvalid, "scorecard.bands", "grades differ and descend to one from 0; a gate names one of them", "等级须互不相同、降序并以0为最低起点；封顶等级须为其中之一")
	// ErrFloor refuses a floor outside of 1 to 100.
	ErrFloor = platform.Err(platform.ErrInvalid, "scorecard.floor", "the weight to be covered is 1 to 100 per cent", "须覆盖的权重为百分之1至100")
	// ErrObservation refuses what is not observed of one of the criteria, once, with
	// counts that can be.
	ErrObservation = platform.Err(platform.ErrInvalid, "scorecard.observation", "an observation is of one criterion, once, and its counts can be", "观测须对应一个指标且仅一次，计数须合理")
	// ErrPeers refuses quantiles over fewer than 30 peers.
	ErrPeers = platform.Err(platform.ErrState, "scorecard.peers", "quantiles take at least 30 peers", "按分位定级须至少有30个同类")
	// ErrCases refuses to fit fewer than 100 cases, 30 of either end, or a case twice.
	ErrCases = platform.Err(platform.ErrInvalid, "scorecard.cases", "a model takes 100 different cases, 30 good and 30 bad at least", "建模至少需要100个不同样本，好坏各不少于30个")
	// ErrFeatures refuses to fit where nothing tells good from bad.
	ErrFeatures = platform.Err(platform.ErrInvalid, "scorecard.features", "no feature tells good cases from bad ones", "没有可区分好坏样本的特征")
	// ErrSingular refuses features of which one repeats others exactly.
	ErrSingular = platform.Err(platform.ErrInvalid, "scorecard.singular", "the features repeat each other", "特征之间完全重复")
)
