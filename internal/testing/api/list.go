package api

import (
	"fmt"
	"go/types"
	"slices"
	"strings"
)

// List returns a line for each exported constant, variable, function, type, field and
// method of a package.
func List(pkg *types.Package) []string {
	l := &lister{pkg: pkg}
	for _, name := range pkg.Scope().Names() {
		if o := pkg.Scope().Lookup(name); o.Exported() {
			l.object(o)
		}
	}
	slices.Sort(l.lines)
	return l.lines
}

type lister struct {
	pkg   *types.Package
	lines []string
}

func (l *lister) add(format string, args ...any) {
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}

// text writes a type with the names of other packages as a file of this one would.
func (l *lister) text(t types.Type) string { return types.TypeString(t, l.qualifier) }

func (l *lister) qualifier(p *types.Package) string {
	if p == l.pkg {
		return ""
	}
	return p.Name()
}

func (l *lister) object(o types.Object) {
	switch o := o.(type) {
	case *types.Const:
		l.add("const %s %s = %s", o.Name(), l.text(o.Type()), o.Val().ExactString())
	case *types.TypeName:
		l.typeName(o)
	case *types.Func:
		l.add("func %s%s", o.Name(), l.signature(o.Signature()))
	default:
		l.add("%s", types.ObjectString(o, l.qualifier))
	}
}

// signature writes a function's type. Names of parameters are no part of it, but stay
// where the function has type parameters, which belong to one signature alone.
func (l *lister) signature(s *types.Signature) string {
	if s.TypeParams() == nil {
		s = types.NewSignatureType(nil, nil, nil, unnamed(s.Params()), unnamed(s.Results()), s.Variadic())
	}
	return strings.TrimPrefix(l.text(s), "func")
}

func unnamed(t *types.Tuple) *types.Tuple {
	var vars []*types.Var
	for v := range t.Variables() {
		vars = append(vars, types.NewParam(v.Pos(), v.Pkg(), "", v.Type()))
	}
	return types.NewTuple(vars...)
}

func (l *lister) typeName(o *types.TypeName) {
	if o.IsAlias() {
		l.add("%s", types.ObjectString(o, l.qualifier))
		return
	}
	name := o.Name()
	switch u := o.Type().Underlying().(type) {
	case *types.Struct:
		l.add("type %s struct", name)
		for i := range u.NumFields() {
			if f := u.Field(i); f.Exported() {
				l.add("%s", strings.TrimSpace(fmt.Sprintf("field %s.%s %s %s", name, f.Name(), l.text(f.Type()), u.Tag(i))))
			}
		}
	case *types.Interface:
		l.add("type %s %s", name, l.text(u))
		return
	default:
		l.add("type %s %s", name, l.text(u))
	}
	values := types.NewMethodSet(o.Type())
	for m := range types.NewMethodSet(types.NewPointer(o.Type())).Methods() {
		if !m.Obj().Exported() {
			continue
		}
		receiver := name
		if values.Lookup(m.Obj().Pkg(), m.Obj().Name()) == nil {
			receiver = "*" + name
		}
		l.add("func (%s) %s%s", receiver, m.Obj().Name(), l.signature(m.Obj().(*types.Func).Signature()))
	}
}
