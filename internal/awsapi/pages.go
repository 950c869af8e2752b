package awsapi

import "fmt"

// maxEmptyPages is how many pages in a row may bring nothing: services filter after
// they have cut a list into pages.
const maxEmptyPages = 100

// Pages goes through the pages of a list. A service that leads in a circle, or on and
// on without bringing anything, is an error, not the end of the list. The zero Pages is
// ready.
type Pages struct {
	Token string // of the next page, empty for the first

	count, empty int
	mark         string // a token of before, replaced when count is a power of two
}

// Next takes the token that a page brought and how many entries, and reports whether
// there is another page. name is the API's.
func (p *Pages) Next(name, token string, entries int) (more bool, err error) {
	if token == "" {
		return false, nil
	}
	if token == p.mark {
		return false, fmt.Errorf("%s: the service returns the same pages again and again", name)
	}
	if p.empty++; entries > 0 {
		p.empty = 0
	}
	if p.empty == maxEmptyPages {
		return false, fmt.Errorf("%s: the service returned %d pages in a row with nothing new in them", name, p.empty)
	}
	if p.count++; p.count&(p.count-1) == 0 {
		p.mark = token
	}
	p.Token = token
	return true, nil
}
