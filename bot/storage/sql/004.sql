ALTER TABLE jobs ADD COLUMN picture INTEGER;  -- of an upscaling: which one of the parent's pictures, where it has several
UPDATE jobs SET picture = iif(json_valid(request), request ->> 'pick', NULL)
WHERE kind = 'upscale' AND (
    SELECT iif(json_valid(source.request), source.request ->> 'pick', NULL) FROM jobs AS source WHERE source.id = jobs.parent
) IS NULL;
