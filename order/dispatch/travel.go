package dispatch

import "math"

// Place is a point on earth in degrees. Places of orders are coarse, about a
// kilometre.
type Place struct {
	Lat float64 `json:"lat"`
	Lon float64 `json:"lon"`
}

// Fault is ErrPlace unless the place is on earth; 0, 0 is taken for a place
// that was never set.
func (p Place) Fault() error {
	inside := p.Lat >= -90 && p.Lat <= 90 && p.Lon >= -180 && p.Lon <= 180 // false for NaN
	if !inside || p.Lat == 0 && p.Lon == 0 {
		return ErrPlace
	}
	return nil
}

// metres is the straight line between two places, on a flat map between their
// latitudes: within 0.1 % of the great circle over the 50 km that matter here.
// It counts in whole millionths of a degree, so that every machine gets the
// same.
func (p Place) metres(to Place) int64 {
	const degree = 111_195 // metres of a degree of latitude on the mean sphere
	micro := func(degrees float64) int64 { return int64(math.Round(degrees * 1e6)) }
	north := micro(to.Lat) - micro(p.Lat)
	east := micro(to.Lon) - micro(p.Lon)
	switch { // the shorter way around
	case east > 180e6:
		east -= 360e6
	case east < -180e6:
		east += 360e6
	}
	middle := float64(micro(to.Lat)+micro(p.Lat)) / 2e6
	east = east * micro(math.Cos(middle*math.Pi/180)) / 1e6
	return int64(math.Sqrt(float64(north*north+east*east))) * degree / 1e6
}

// travel is the time of the way in thousandths of a minute.
func (p Policy) travel(from, to Place) int64 {
	return from.metres(to) * int64(p.Winding) * 60 / (100 * int64(p.Speed))
}
