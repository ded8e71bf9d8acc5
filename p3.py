import numpy as np
from tests.curvefit.test_many import *
counts=[8,8,11,12,12,30]*3
_, groups, starts = made("a*x**2",[0.5],counts)
for name,f in {"1":lambda x,a: a*x*len(x),"2":lambda x,a: a*x+len(x),"3":lambda x,a:x**a+len(x),"4":lambda x,a:exp(a*x)-len(x),"5":lambda x,a:a-len(x),"6":lambda x,a:a/len(x)}.items():
    cv=curve_of(f,{"":np.ones(3)},None,None)
    for c in (8,11):
        l=cv.recorded([np.ones(c)],[0],c); print(name,l.structure[1], len(l.closed_over()))
    try: check(cv,groups,starts); print("ok")
    except AssertionError as e: print("WRONG",str(e)[:100])
